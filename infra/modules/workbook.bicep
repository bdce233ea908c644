metadata description = 'The workbook: the questions of Ops, each with its query in queries/workbook.'

import { resourceTags } from '../types.bicep'

@description('Name of the installation.')
param installation string

@description('Region.')
param location string

@description('Tags.')
param tags resourceTags

@description('Log Analytics workspace that the queries ask.')
param logAnalyticsId string

@description('A question, its query, and how the answer is shown.')
type question = {
  @description('Name of the item.')
  name: string

  @description('The question.')
  title: string

  @description('The query.')
  query: string

  @description('How it is shown.')
  show: 'table' | 'timechart' | 'barchart'
}

@description('Questions that belong together.')
type chapter = {
  @description('Title.')
  title: string

  @description('What it is good for, and what to do.')
  text: string

  @description('The questions.')
  questions: question[]
}

var chapters chapter[] = [
  {
    title: 'What happened'
    text: 'Every decision and every effect is a log line with its reason. One event in full: `python -m ops why EVENT`.'
    questions: [
      {
        name: 'what-happened'
        title: 'What happened, hour by hour?'
        show: 'timechart'
        query: loadTextContent('../queries/workbook/what-happened.kql')
      }
      {
        name: 'last-events'
        title: 'When did each family last have an event?'
        show: 'table'
        query: loadTextContent('../queries/workbook/last-events.kql')
      }
      {
        name: 'effects'
        title: 'What came of the actions?'
        show: 'table'
        query: loadTextContent('../queries/workbook/effects.kql')
      }
      {
        name: 'decisions'
        title: 'What was decided, and why?'
        show: 'table'
        query: loadTextContent('../queries/workbook/decisions.kql')
      }
    ]
  }
  {
    title: 'What needs a person'
    text: 'Mend the cause, then put the letter back: `python -m ops dead-letters replay NAME`. Letters that Event Grid left are not in the log: `python -m ops dead-letters list` has all.'
    questions: [
      {
        name: 'dead-letters'
        title: 'What is dead-lettered?'
        show: 'table'
        query: loadTextContent('../queries/workbook/dead-letters.kql')
      }
      {
        name: 'failures'
        title: 'Which executions failed?'
        show: 'table'
        query: loadTextContent('../queries/workbook/failures.kql')
      }
      {
        name: 'mail'
        title: 'What became of the mails?'
        show: 'table'
        query: loadTextContent('../queries/workbook/mail.kql')
      }
    ]
  }
  {
    title: 'What did not happen'
    text: 'A guard skips for good; what waits comes back by itself.'
    questions: [
      {
        name: 'suppressed'
        title: 'What was suppressed, and why?'
        show: 'table'
        query: loadTextContent('../queries/workbook/suppressed.kql')
      }
      {
        name: 'waiting'
        title: 'What waited, and for what?'
        show: 'table'
        query: loadTextContent('../queries/workbook/waiting.kql')
      }
    ]
  }
  {
    title: 'How long, and what it cost'
    text: 'Jobs are paid for in Azure ML, by far the largest part; the rest is here.'
    questions: [
      {
        name: 'how-long'
        title: 'How long from event to effect?'
        show: 'table'
        query: loadTextContent('../queries/workbook/how-long.kql')
      }
      {
        name: 'executions'
        title: 'How long do executions take?'
        show: 'table'
        query: loadTextContent('../queries/workbook/executions.kql')
      }
      {
        name: 'cost-executions'
        title: 'Executions and GB-seconds a day'
        show: 'barchart'
        query: loadTextContent('../queries/workbook/cost-executions.kql')
      }
      {
        name: 'cost-effects'
        title: 'Jobs and mails a day'
        show: 'barchart'
        query: loadTextContent('../queries/workbook/cost-effects.kql')
      }
      {
        name: 'cost-logs'
        title: 'Log lines by table'
        show: 'table'
        query: loadTextContent('../queries/workbook/cost-logs.kql')
      }
    ]
  }
]
var sections = flatten(map(chapters, c => [
  [{ type: 1, name: c.title, content: { json: '## ${c.title}\n${c.text}' } }]
  map(c.questions, q => {
    type: 3
    name: q.name
    content: {
      version: 'KqlItem/1.0'
      title: q.title
      query: q.query
      size: 0
      queryType: 0
      resourceType: 'microsoft.operationalinsights/workspaces'
      timeContextFromParameter: 'TimeRange'
      visualization: q.show
      showExportToExcel: true
    }
  })
]))

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'workspace-reactor-workbook', installation)
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Workspace Reactor ${installation}'
    category: 'workbook'
    sourceId: logAnalyticsId
    version: 'Notebook/1.0'
    serializedData: string({
      version: 'Notebook/1.0'
      fallbackResourceIds: [logAnalyticsId]
      items: concat(
        [
          {
            type: 9
            name: 'parameters'
            content: {
              version: 'KqlParameterItem/1.0'
              style: 'pills'
              parameters: [
                {
                  id: guid(resourceGroup().id, 'workspace-reactor-time-range')
                  version: 'KqlParameterItem/1.0'
                  name: 'TimeRange'
                  label: 'Time range'
                  type: 4
                  isRequired: true
                  value: { durationMs: 86400000 }
                  typeSettings: {
                    allowCustom: true
                    selectableValues: [
                      { durationMs: 3600000 }
                      { durationMs: 86400000 }
                      { durationMs: 604800000 }
                      { durationMs: 2592000000 }
                    ]
                  }
                }
              ]
            }
          }
        ],
        flatten(sections)
      )
    })
  }
}
