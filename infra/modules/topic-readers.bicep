metadata description = 'Groups that look at the event subscriptions of one system topic.'

import { builtInRoles } from '../types.bicep'

@description('The system topic, in this resource group.')
param topicName string

@description('Object ids of the groups.')
param groupIds string[]

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = { name: topicName }

resource looks 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for id in groupIds: {
    name: guid(topic.id, id, builtInRoles.reader)
    scope: topic
    properties: {
      principalId: id
      principalType: 'Group'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', builtInRoles.reader)
    }
  }
]
