metadata description = 'Communication Services without keys, a mail domain, a sender, and the app\'s right to send.'

import { builtInRoles, resourceTags } from '../types.bicep'

@description('Suffix of names.')
param token string

@description('Name of the Communication Services resource.')
param name string

@description('Name of the installation.')
param installation string

@description('Tags.')
param tags resourceTags

@description('Where mail is kept at rest.')
param dataLocation string

@description('Own domain; null: one that Azure manages.')
param domainName string?

@description('The own domain\'s records are in DNS and verified: link it.')
param domainVerified bool

@description('custom: three actions. builtIn: Communication and Email Service Owner.')
param role 'custom' | 'builtIn'

@description('Object id of the app\'s identity.')
param principalId string

@description('ARM id of that identity; the assignment\'s name derives from it.')
param identityId string

@description('Log Analytics workspace for what became of mails.')
param logAnalyticsId string

var sender = 'reactor'
var managed = domainName == null

resource service 'Microsoft.Communication/emailServices@2026-03-18' = {
  name: 'acse-${token}'
  location: 'global'
  tags: tags
  properties: { dataLocation: dataLocation }

  resource domain 'domains' = {
    name: domainName ?? 'AzureManagedDomain'
    location: 'global'
    tags: tags
    properties: {
      domainManagement: managed ? 'AzureManaged' : 'CustomerManaged'
      userEngagementTracking: 'Disabled'
    }

    resource address 'senderUsernames' = {
      name: sender
      properties: { username: sender, displayName: 'Workspace Reactor' }
    }
  }
}

resource communication 'Microsoft.Communication/communicationServices@2026-03-18' = {
  name: name
  location: 'global'
  tags: tags
  properties: {
    dataLocation: dataLocation
    disableLocalAuth: true
    linkedDomains: managed || domainVerified ? [service::domain.id] : [] // one that is not verified is refused
  }
}

resource sendMail 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (role == 'custom') {
  name: guid(resourceGroup().id, 'workspace-reactor-mail', installation)
  properties: {
    roleName: 'Workspace Reactor mail ${installation} (${token})'
    description: 'Send mail with Communication Services. No keys, no delete.'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: [
          'Microsoft.Communication/CommunicationServices/Read'
          'Microsoft.Communication/CommunicationServices/Write' // sending a mail is a write
          'Microsoft.Communication/EmailServices/Write'
        ]
      }
    ]
  }
}

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(communication.id, identityId, role)
  scope: communication
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: role == 'custom'
      ? sendMail.id
      : subscriptionResourceId('Microsoft.Authorization/roleDefinitions', builtInRoles.communicationOwner)
  }
}

#disable-next-line use-recent-api-versions // there is no newer one of this shape
resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace-reactor'
  scope: communication
  properties: {
    workspaceId: logAnalyticsId
    logs: [
      { category: 'EmailSendMailOperational', enabled: true }
      { category: 'EmailStatusUpdateOperational', enabled: true }
    ]
  }
}

@description('Endpoint for the app.')
output endpoint string = 'https://${communication.properties.hostName}'

@description('Sender address.')
output sender string = '${sender}@${service::domain.properties.mailFromSenderDomain}'
