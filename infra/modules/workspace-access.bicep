metadata description = 'The app\'s role in one workspace. Deployed into the workspace\'s resource group.'

import { builtInRoles } from '../types.bicep'

@description('The workspace; it must exist in this group.')
param workspaceName string

@description('Object id of the app\'s identity.')
param principalId string

@description('ARM id of that identity; the assignment\'s name derives from it.')
param identityId string

@description('custom: workspace-role.bicep. dataScientist: the built-in role, which may also delete.')
param role 'custom' | 'dataScientist'

@description('Name of the installation.')
param installation string

resource workspace 'Microsoft.MachineLearningServices/workspaces@2026-05-01' existing = { name: workspaceName }

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, identityId, role)
  scope: workspace
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: role == 'custom'
      ? subscriptionResourceId(
          'Microsoft.Authorization/roleDefinitions',
          guid(resourceGroup().id, 'workspace-reactor', installation)
        )
      : subscriptionResourceId('Microsoft.Authorization/roleDefinitions', builtInRoles.dataScientist)
  }
}
