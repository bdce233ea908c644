metadata description = 'The action group and the alerts on log lines. Those on the metrics of system topics are in topic-alerts.bicep.'

import { resourceTags } from '../types.bicep'

@description('Name of the action group.')
param actionGroup string

@description('Name of the installation.')
param installation string

@description('Region.')
param location string

@description('Tags.')
param tags resourceTags

@description('Mail addresses of Ops.')
param opsEmails string[]

@description('Log Analytics workspace with the log lines.')
param logAnalyticsId string

@description('Hours without an event that are worth an alert; 0: none.')
@allowed([0, 24, 48])
param silenceHours int

@description('An alert on the number of rows of a query.')
type logAlert = {
  @description('Part of its name, and the file of its query.')
  name: string

  @description('What happened, and what to do first.')
  text: string

  @description('1: act now; 2: today; 3: have a look.')
  severity: 1 | 2 | 3

  @description('The query.')
  query: string

  @description('Fires when there are rows, or when there are none.')
  when: 'rows' | 'noRows'

  @description('How often it is asked.')
  every: string

  @description('About which time.')
  window: string
}

var always logAlert[] = [
  {
    name: 'poison'
    text: 'The host gave a message up after repeated crashes. See it with `python -m ops dead-letters list`; mend the crash, deploy, and replay it.'
    severity: 1
    query: loadTextContent('../queries/alerts/poison.kql')
    when: 'rows'
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    name: 'dead-lettered'
    text: 'A reaction failed for good, or an event could not be read. See why with `python -m ops dead-letters list`; mend the cause, and replay it.'
    severity: 2
    query: loadTextContent('../queries/alerts/dead-lettered.kql')
    when: 'rows'
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    name: 'configuration'
    text: 'The deployment cannot be used as it is configured; events wait until it is mended. The log line says what and where; `python -m ops validate` finds the same.'
    severity: 1
    query: loadTextContent('../queries/alerts/configuration.kql')
    when: 'rows'
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    name: 'failed-executions'
    text: 'Functions fail: storage is in trouble, or the code is. The queue brings the messages back. See "Which executions failed?" in the workbook.'
    severity: 2
    query: loadTextContent('../queries/alerts/failed-executions.kql')
    when: 'rows'
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    name: 'mail-failed'
    text: 'A mail to Ops did not arrive. See "What became of the mails?" in the workbook, and the verification of the mail domain.'
    severity: 2
    query: loadTextContent('../queries/alerts/mail-failed.kql')
    when: 'rows'
    every: 'PT15M'
    window: 'PT30M'
  }
  {
    name: 'mail-overdue'
    text: 'A mail could not be sent for an hour or more; the app goes on trying. The reason is in the log line `mail.overdue`; try with `python -m ops send-test-mail`.'
    severity: 1
    query: loadTextContent('../queries/alerts/mail-overdue.kql')
    when: 'rows'
    every: 'PT15M'
    window: 'PT30M'
  }
  {
    name: 'paused'
    text: 'Events meet a reaction that somebody paused: they wait, or are dropped. See who with `python -m ops pauses`; go on with `python -m ops resume`.'
    severity: 3
    query: loadTextContent('../queries/alerts/paused.kql')
    when: 'rows'
    every: 'PT1H'
    window: 'PT1H'
  }
]
var silence logAlert = {
  name: 'silence'
  text: 'No event came for ${silenceHours} hours. Was nothing to be told, or does nothing arrive? Look at the event subscriptions: `python -m ops doctor`.'
  severity: 3
  query: loadTextContent('../queries/alerts/silence.kql')
  when: 'noRows'
  every: 'PT6H'
  window: silenceHours == 24 ? 'P1D' : 'P2D' // two days are the longest that an alert looks back
}
var logAlerts = silenceHours == 0 ? always : concat(always, [silence])

resource ops 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: actionGroup
  location: 'Global'
  tags: tags
  properties: {
    groupShortName: 'reactor'
    enabled: true
    emailReceivers: [for (mail, i) in opsEmails: { name: 'ops-${i}', emailAddress: mail, useCommonAlertSchema: true }]
  }
}

resource rule 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for alert in logAlerts: {
    name: 'reactor-${installation}-${alert.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Workspace Reactor ${installation}: ${alert.name}'
      description: alert.text
      severity: alert.severity
      enabled: true
      scopes: [logAnalyticsId]
      evaluationFrequency: alert.every
      windowSize: alert.window
      autoMitigate: true
      skipQueryValidation: true // a table is there after its first row
      criteria: {
        allOf: [
          {
            query: alert.query
            timeAggregation: 'Count'
            operator: alert.when == 'rows' ? 'GreaterThan' : 'LessThan'
            threshold: alert.when == 'rows' ? 0 : 1
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: [ops.id] }
    }
  }
]
