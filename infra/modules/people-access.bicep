metadata description = 'Groups on the app\'s resource group: some look, some deploy code.'

import { builtInRoles } from '../types.bicep'

@description('Object ids of the groups that look. Reader also reads the logs of the group, and what `python -m ops doctor` compares.')
param lookers string[]

@description('Object id of the group that deploys code; null: none.')
param deployers string?

@description('The function app.')
param functionAppName string

resource site 'Microsoft.Web/sites@2025-03-01' existing = { name: functionAppName }

resource looks 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for id in lookers: {
    name: guid(resourceGroup().id, id, builtInRoles.reader)
    properties: {
      principalId: id
      principalType: 'Group'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', builtInRoles.reader)
    }
  }
]

resource deploys 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (deployers != null) {
  name: guid(site.id, deployers ?? '', builtInRoles.websiteContributor)
  scope: site
  properties: {
    principalId: deployers ?? ''
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', builtInRoles.websiteContributor)
  }
}
