metadata description = 'The second deployment of push: Event Grid asks whether each function exists, so the code comes first.'

targetScope = 'subscription'

import { pushTarget } from 'types.bicep'

@description('Output PUSH of main.bicep.')
param push pushTarget

// Both ways at once would deliver every event twice.
var installation = push.eventDelivery == 'push'
  ? push.installation
  : fail('This installation has eventDelivery = queue: main.bicep has subscribed already, and a subscription that pushes would tell every event twice. Deploy main.bicep with eventDelivery = push first.')

@batchSize(1)
module pushSubscriptions 'modules/event-subscriptions.bicep' = [
  for topic in push.systemTopics: {
    scope: resourceGroup(topic.subscriptionId, topic.resourceGroup)
    params: {
      topicName: topic.name
      installation: installation
      stateAccountId: push.stateStorageId
      functionAppId: push.functionAppId
    }
  }
]
