metadata description = 'Alerts on the metrics of one system topic, in its resource group: a rule and what it watches share a subscription.'

import { resourceTags } from '../types.bicep'

@description('The system topic, in this resource group.')
param topicName string

@description('Name of the installation: several may watch one topic.')
param installation string

@description('Tags.')
param tags resourceTags

@description('ARM id of the action group, which may be in another subscription.')
param actionGroupId string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = { name: topicName }

var topicAlerts = [
  {
    name: 'event-grid-dead-lettered'
    metric: 'DeadLetteredCount'
    severity: 1
    text: 'Event Grid could not deliver events and left them in dead-letters. Look at the event subscriptions with `python -m ops doctor`, then replay them: `python -m ops dead-letters replay --all`.'
  }
  {
    name: 'event-grid-dropped'
    metric: 'DroppedEventCount'
    severity: 1
    text: 'Event Grid dropped events: it could not even leave them in dead-letters. Look at the topic\'s role on that container with `python -m ops doctor`.'
  }
  {
    name: 'event-grid-delivery-failed'
    metric: 'DeliveryAttemptFailCount'
    severity: 3
    text: 'Delivery of events fails; Event Grid tries again for a day. Look at the function app, or at the topic\'s role on the queue, with `python -m ops doctor`.'
  }
]

resource rule 'Microsoft.Insights/metricAlerts@2026-01-01' = [
  for alert in topicAlerts: {
    name: 'reactor-${installation}-${topicName}-${alert.name}'
    location: 'global'
    tags: tags
    properties: {
      description: alert.text
      severity: alert.severity
      enabled: true
      scopes: [topic.id]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      autoMitigate: true
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            name: alert.name
            criterionType: 'StaticThresholdCriterion'
            metricNamespace: 'Microsoft.EventGrid/systemTopics'
            metricName: alert.metric
            timeAggregation: 'Total'
            operator: 'GreaterThan'
            threshold: 0
          }
        ]
      }
      actions: [{ actionGroupId: actionGroupId }]
    }
  }
]
