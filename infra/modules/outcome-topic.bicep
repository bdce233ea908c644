metadata description = 'A custom topic on which the app tells what it did, without keys.'

import { builtInRoles, networkMode, resourceTags } from '../types.bicep'

@description('Name of the topic.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags resourceTags

@description('Object id of the app\'s identity.')
param principalId string

@description('ARM id of that identity; the assignment\'s name derives from it.')
param identityId string

@description('private: publishing through a private endpoint only.')
param networking networkMode

resource topic 'Microsoft.EventGrid/topics@2025-02-15' = {
  name: name
  location: location
  tags: tags
  identity: { type: 'SystemAssigned' }
  properties: {
    inputSchema: 'CloudEventSchemaV1_0'
    disableLocalAuth: true
    minimumTlsVersionAllowed: '1.2'
    publicNetworkAccess: networking == 'private' ? 'Disabled' : 'Enabled'
  }
}

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(topic.id, identityId, builtInRoles.eventGridDataSender)
  scope: topic
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      builtInRoles.eventGridDataSender
    )
  }
}

@description('Where to publish.')
output endpoint string = topic.properties.endpoint
