metadata description = 'The Event Grid system topic of one workspace: created, or found.'

import { resourceTags } from '../types.bicep'

@description('Name of the topic.')
param name string

@description('The topic is there already.')
param exists bool

@description('ARM id of the workspace.')
param workspaceId string

@description('Region of the workspace.')
param location string

@description('Tags.')
param tags resourceTags

resource created 'Microsoft.EventGrid/systemTopics@2025-02-15' = if (!exists) {
  name: name
  location: location
  tags: tags
  identity: { type: 'SystemAssigned' }
  properties: { source: workspaceId, topicType: 'Microsoft.MachineLearningServices.Workspaces' }
}

// With its own condition: Azure reads what is declared as existing before anything else.
resource found 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = if (exists) {
  name: name
}

@description('Object id of the topic\'s identity.')
output principalId string = exists ? found!.identity.principalId : created!.identity.principalId
