metadata description = 'The event subscriptions of one system topic: one for each family, pushed to its function; or one for the queue.'

import { families, stateNames } from '../types.bicep'

@description('The system topic, in this resource group.')
param topicName string

@description('Name of the installation: several may listen to one topic.')
param installation string

@description('ARM id of the state account, for dead letters and the queue.')
param stateAccountId string

@description('ARM id of the function app, whose functions must exist: push. Null: queue.')
param functionAppId string?

@description('Properties of an event subscription.')
type subscription = resourceInput<'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15'>.properties

var common subscription = {
  eventDeliverySchema: 'EventGridSchema'
  deadLetterWithResourceIdentity: {
    identity: { type: 'SystemAssigned' }
    deadLetterDestination: {
      endpointType: 'StorageBlob'
      properties: { resourceId: stateAccountId, blobContainerName: stateNames.deadLetters }
    }
  }
  retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = { name: topicName }

@batchSize(1) // at once they conflict
resource push 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = [
  for family in families: if (functionAppId != null) {
    parent: topic
    name: 'reactor-${installation}-${family.family}'
    properties: {
      ...common
      destination: {
        endpointType: 'AzureFunction'
        properties: {
          resourceId: '${functionAppId}/functions/${family.function}'
          maxEventsPerBatch: 1
          preferredBatchSizeInKilobytes: 64
        }
      }
      filter: { includedEventTypes: family.eventTypes }
    }
  }
]

// One, not one for each family: an event that two families want would be in the queue twice.
resource queue 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = if (functionAppId == null) {
  parent: topic
  name: 'reactor-${installation}-queue'
  properties: {
    ...common
    deliveryWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      destination: {
        endpointType: 'StorageQueue'
        properties: { resourceId: stateAccountId, queueName: stateNames.queue, queueMessageTimeToLiveInSeconds: -1 }
      }
    }
    filter: { includedEventTypes: union(flatten(map(families, family => family.eventTypes)), []) }
  }
}
