metadata description = 'The second deployment of push: Event Grid asks whether each function exists, so the code comes first.'

targetScope = 'subscription'

import { topicReference } from 'types.bicep'

@description('Output INSTALLATION of main.bicep.')
param installation string

@description('Output SYSTEM_TOPICS of main.bicep.')
@minLength(1)
param systemTopics topicReference[]

@description('Output AZURE_FUNCTION_APP_ID of main.bicep.')
param functionAppId string

@description('Output STATE_STORAGE_ID of main.bicep.')
param stateStorageId string

@batchSize(1)
module pushSubscriptions 'modules/event-subscriptions.bicep' = [
  for topic in systemTopics: {
    scope: resourceGroup(topic.subscriptionId, topic.resourceGroup)
    params: {
      topicName: topic.name
      installation: installation
      stateAccountId: stateStorageId
      functionAppId: functionAppId
    }
  }
]
