metadata description = 'Roles on the single queues, table and containers of the state account: of the app, of people, of system topics.'

import { builtInRoles, stateNames } from '../types.bicep'

@description('The state account.')
param accountName string

@description('Who gets the roles: object id.')
param principalId string

@description('What the names of the assignments derive from, known before the deployment: an ARM id or the object id.')
param principalKey string

@description('A service principal (an identity) or a group.')
@allowed(['ServicePrincipal', 'Group'])
param principalType string

@description('What the principal does: app reads and writes everything; operator the same; reader looks; deadLetterSender is a topic that pushes; eventSender is a topic that writes into the queue.')
param duty 'app' | 'operator' | 'reader' | 'deadLetterSender' | 'eventSender'

var names = stateNames
// Contributor on the queues, not Message Processor: the host prolongs and releases messages, which is messages/write.
var duties = {
  app: {
    containers: {
      '${names.deadLetters}': builtInRoles.blobDataContributor
      '${names.largeEvents}': builtInRoles.blobDataContributor
    }
    queues: {
      '${names.queue}': builtInRoles.queueDataContributor
      '${names.poisonQueue}': builtInRoles.queueDataContributor
    }
    tables: { '${names.table}': builtInRoles.tableDataContributor }
  }
  operator: {
    containers: {
      '${names.deadLetters}': builtInRoles.blobDataContributor
      '${names.largeEvents}': builtInRoles.blobDataContributor
    }
    queues: {
      '${names.queue}': builtInRoles.queueDataContributor
      '${names.poisonQueue}': builtInRoles.queueDataContributor
    }
    tables: { '${names.table}': builtInRoles.tableDataContributor }
  }
  reader: {
    containers: {
      '${names.deadLetters}': builtInRoles.blobDataReader
      '${names.largeEvents}': builtInRoles.blobDataReader
    }
    queues: { '${names.queue}': builtInRoles.queueDataReader, '${names.poisonQueue}': builtInRoles.queueDataReader }
    tables: { '${names.table}': builtInRoles.tableDataReader }
  }
  deadLetterSender: {
    containers: { '${names.deadLetters}': builtInRoles.blobDataContributor }
    queues: {}
    tables: {}
  }
  eventSender: {
    containers: { '${names.deadLetters}': builtInRoles.blobDataContributor }
    queues: { '${names.queue}': builtInRoles.queueMessageSender }
    tables: {}
  }
}
var containerRoles = items(duties[duty].containers)
var queueRoles = items(duties[duty].queues)
var tableRoles = items(duties[duty].tables)

resource account 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: accountName

  resource blobService 'blobServices' existing = {
    name: 'default'
    resource container 'containers' existing = [for r in containerRoles: { name: r.key }]
  }

  resource queueService 'queueServices' existing = {
    name: 'default'
    resource queue 'queues' existing = [for r in queueRoles: { name: r.key }]
  }

  resource tableService 'tableServices' existing = {
    name: 'default'
    resource table 'tables' existing = [for r in tableRoles: { name: r.key }]
  }
}

resource onContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (r, i) in containerRoles: {
    name: guid(account::blobService::container[i].id, principalKey, r.value)
    scope: account::blobService::container[i]
    properties: {
      principalId: principalId
      principalType: principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', r.value)
    }
  }
]

resource onQueue 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (r, i) in queueRoles: {
    name: guid(account::queueService::queue[i].id, principalKey, r.value)
    scope: account::queueService::queue[i]
    properties: {
      principalId: principalId
      principalType: principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', r.value)
    }
  }
]

resource onTable 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (r, i) in tableRoles: {
    name: guid(account::tableService::table[i].id, principalKey, r.value)
    scope: account::tableService::table[i]
    properties: {
      principalId: principalId
      principalType: principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', r.value)
    }
  }
]
