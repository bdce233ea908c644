metadata description = 'The app on its host\'s own account: locks, keys, and the code package. No queue and no table: no trigger of ours keeps anything there.'

import { builtInRoles } from '../types.bicep'

@description('The host\'s account.')
param accountName string

@description('Object id of the app\'s identity.')
param principalId string

@description('ARM id of that identity; the assignment\'s name derives from it.')
param identityId string

resource account 'Microsoft.Storage/storageAccounts@2026-04-01' existing = { name: accountName }

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, identityId, builtInRoles.blobDataOwner)
  scope: account
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', builtInRoles.blobDataOwner)
  }
}
