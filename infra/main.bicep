metadata description = 'Workspace Reactor in one resource group, with roles and system topics in the groups of the workspaces it reacts to.'

targetScope = 'resourceGroup'

import {
  accessGroups
  addressOf
  deliveryMode
  installationOf
  networkMode
  pushTarget
  resourceNames
  resourceTags
  stateNames
  topicOf
  topicReference
  regionOf
  watchedWorkspace
  workspaceOf
} from 'types.bicep'

@description('Name of this installation: a-z, 0-9 and -. Part of every job\'s name and mail\'s id, so never change it. azd passes AZURE_ENV_NAME.')
@minLength(2)
@maxLength(20)
param installation string

@description('Region of the app, by default that of the resource group. Flex Consumption must be there: az functionapp list-flexconsumption-locations.')
param location string = resourceGroup().location

@description('The workspaces to react to; they exist, and may be in other resource groups and subscriptions.')
@minLength(1)
param workspaces watchedWorkspace[]

@description('Mail addresses of Ops: the app\'s mails and the alerts.')
@minLength(1)
param opsEmails string[]

@description('push: Event Grid calls functions, subscribe after the code is deployed (subscriptions.bicep). queue: Event Grid writes into the queue by managed identity.')
param eventDelivery deliveryMode = 'push'

@description('private: virtual network, private endpoints, storage without public access. Needs eventDelivery = queue.')
param networking networkMode = 'public'

@description('Address range of the virtual network, /25 or larger; with networking = private.')
param addressPrefix string = '10.73.0.0/24'

@description('ARM id of a route table for the app\'s subnet, for example to a firewall; with networking = private. The firewall must let through management.azure.com, *.api.azureml.ms, *.communication.azure.com and Azure Monitor.')
param routeTableId string?

@description('The app\'s role in the workspaces. custom: least privilege. dataScientist: the built-in role AzureML Data Scientist, where you may not create roles or a job needs more.')
param workspaceRole 'custom' | 'dataScientist' = 'custom'

@description('The app\'s role to send mail. custom: three actions. builtIn: Communication and Email Service Owner, where you may not create roles.')
param mailRole 'custom' | 'builtIn' = 'custom'

@description('Where mail is kept at rest, for example Europe or United States. Cannot be changed later.')
param mailDataLocation string = 'Europe'

@description('Own mail domain, for example notify.example.com; null: one that Azure manages, with low limits.')
param mailDomain string?

@description('The records of mailDomain are in DNS and verified in the portal. Deploy with false first.')
param mailDomainVerified bool = false

@description('How many mails the mail service takes of this sender in a minute; null: 5 on a domain that Azure manages, 30 on your own.')
@minValue(1)
@maxValue(200)
param mailPerMinute int?

@description('The same in an hour; null: 10 on a domain that Azure manages, 100 on your own.')
@minValue(1)
@maxValue(200)
param mailPerHour int?

@description('When the daily summary of mails is sent, UTC, for example 06:00.')
@minLength(5)
@maxLength(5)
param mailDigestAt string = '06:00'

@description('Also create an Event Grid topic for outcome events.')
param publishOutcomes bool = false

@description('Workspaces, by name or ARM id, on whose models no verdict is written as tags.')
param readOnlyWorkspaces string[] = []

@description('File of the rules, from the app\'s folder.')
param reactionsFile string = 'reactions.yaml'

@description('Decide and record, and do nothing.')
param dryRun bool = false

@description('Most instances at a time.')
@minValue(40)
@maxValue(1000)
param maximumInstances int = 40

@description('Instances that always wait for events; 0 costs nothing and starts cold.')
@minValue(0)
@maxValue(10)
param alwaysReadyInstances int = 0

@description('App and storage in several zones; not every region has them.')
param zoneRedundant bool = false

@description('Days that dead letters are kept; large events 30 days more, because dead letters refer to them.')
@minValue(7)
@maxValue(365)
param retentionInDays int = 90

@description('Days that log lines are kept.')
@minValue(30)
@maxValue(730)
param logRetentionInDays int = 30

@description('Most gigabytes of log lines a day; -1: no limit. Above it nothing is recorded, and no alert fires.')
param logQuotaGb int = 1

@description('Hours without an event that are worth an alert; 0: no such alert.')
@allowed([0, 24, 48])
param silenceHours int = 48

@description('Entra groups that operate, look or deploy.')
param groups accessGroups = {}

@description('Names to use instead of the derived ones.')
param names resourceNames = {}

@description('More tags of every resource.')
param extraTags resourceTags = {}

// Names are computed here and are no outputs of modules, so that what-if and the snapshots see every id.
var token = uniqueString(subscription().id, resourceGroup().id, installation)
var stateAccount = names.?stateStorage ?? 'streactor${token}'
var hostAccount = names.?hostStorage ?? 'sthost${token}'
var functionApp = names.?functionApp ?? 'func-reactor-${token}'
var identityName = names.?identity ?? 'id-reactor-${token}'
var logAnalytics = names.?logAnalytics ?? 'log-reactor-${token}'
var communication = names.?communication ?? 'acs-reactor-${token}'
var virtualNetwork = names.?virtualNetwork ?? 'vnet-reactor-${token}'
var actionGroup = 'ag-reactor-${token}'
var outcomeTopic = 'evgt-outcomes-${token}'
var packageContainer = 'app-package'
var stateAccountId = resourceId('Microsoft.Storage/storageAccounts', stateAccount)
var hostAccountId = resourceId('Microsoft.Storage/storageAccounts', hostAccount)
var logAnalyticsId = resourceId('Microsoft.OperationalInsights/workspaces', logAnalytics)
var tags resourceTags = { ...extraTags, 'azd-env-name': installation, workload: 'workspace-reactor' }

var appRegion = regionOf(location, 'location')
var delivery = networking == 'private' && eventDelivery == 'push'
  ? fail('networking = private needs eventDelivery = queue: Event Grid cannot call a function in a private network. Set eventDelivery to queue, or networking to public.')
  : eventDelivery
var watched = map(workspaces, w => {
  id: w.id
  workspace: workspaceOf(w.id)
  region: regionOf(w.location, 'workspaces: location of ${workspaceOf(w.id).name}')
  topicExists: w.?systemTopicId != null
  topic: w.?systemTopicId != null
    ? topicOf(w.?systemTopicId ?? '', workspaceOf(w.id).subscriptionId)
    : {
        subscriptionId: workspaceOf(w.id).subscriptionId
        resourceGroup: workspaceOf(w.id).resourceGroup
        name: 'evgt-${take(replace(workspaceOf(w.id).name, '_', '-'), 30)}-${take(uniqueString(toLower(w.id)), 6)}'
      }
})
var distinct = length(union(map(workspaces, w => toLower(w.id)), [])) == length(workspaces) ? watched : fail('workspaces: one is listed twice. A workspace is named once, in whatever case.')
var workspaceGroups = union(map(distinct, w => toLower('${w.workspace.subscriptionId}/${w.workspace.resourceGroup}')), [])
var lookers = union(filter([groups.?operators ?? '', groups.?readers ?? ''], id => !empty(id)), [])

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: identityName
  location: appRegion
  tags: tags
}

module monitoring 'modules/monitoring.bicep' = {
  params: {
    token: token
    logAnalyticsName: logAnalytics
    location: appRegion
    tags: tags
    principalId: identity.properties.principalId
    identityId: identity.id
    retentionInDays: logRetentionInDays
    dailyQuotaGb: logQuotaGb
  }
}

module hostStorage 'modules/storage.bicep' = {
  params: {
    name: hostAccount
    location: appRegion
    tags: tags
    zoneRedundant: zoneRedundant
    containers: [packageContainer]
    networking: networking
  }
}

module stateStorage 'modules/storage.bicep' = {
  params: {
    name: stateAccount
    location: appRegion
    tags: tags
    zoneRedundant: zoneRedundant
    containers: [stateNames.deadLetters, stateNames.largeEvents]
    queues: [stateNames.queue, stateNames.poisonQueue]
    tables: [stateNames.table]
    expiry: [
      { container: stateNames.deadLetters, days: retentionInDays }
      { container: stateNames.largeEvents, days: retentionInDays + 30 }
    ]
    networking: networking
  }
}

module hostAccess 'modules/host-access.bicep' = {
  params: { accountName: hostAccount, principalId: identity.properties.principalId, identityId: identity.id }
  dependsOn: [hostStorage]
}

module appAccess 'modules/state-access.bicep' = {
  params: {
    accountName: stateAccount
    principalId: identity.properties.principalId
    principalKey: identity.id
    principalType: 'ServicePrincipal'
    duty: 'app'
  }
  dependsOn: [stateStorage]
}

module operatorAccess 'modules/state-access.bicep' = if (groups.?operators != null) {
  params: {
    accountName: stateAccount
    principalId: groups.?operators ?? ''
    principalKey: groups.?operators ?? ''
    principalType: 'Group'
    duty: 'operator'
  }
  dependsOn: [stateStorage]
}

module readerAccess 'modules/state-access.bicep' = if (groups.?readers != null) {
  params: {
    accountName: stateAccount
    principalId: groups.?readers ?? ''
    principalKey: groups.?readers ?? ''
    principalType: 'Group'
    duty: 'reader'
  }
  dependsOn: [stateStorage]
}

module peopleAccess 'modules/people-access.bicep' = {
  params: { lookers: lookers, deployers: groups.?deployers, functionAppName: functionApp }
  dependsOn: [app]
}

module outcomes 'modules/outcome-topic.bicep' = if (publishOutcomes) {
  params: {
    name: outcomeTopic
    location: appRegion
    tags: tags
    principalId: identity.properties.principalId
    identityId: identity.id
    networking: networking
  }
}

module network 'modules/network.bicep' = if (networking == 'private') {
  params: {
    name: virtualNetwork
    location: appRegion
    tags: tags
    addressPrefix: addressPrefix
    routeTableId: routeTableId
    targets: [
      { id: hostAccountId, service: 'blob' }
      { id: stateAccountId, service: 'blob' }
      { id: stateAccountId, service: 'queue' }
      { id: stateAccountId, service: 'table' }
      ...(publishOutcomes ? [{ id: resourceId('Microsoft.EventGrid/topics', outcomeTopic), service: 'topic' }] : [])
    ]
  }
  dependsOn: [hostStorage, stateStorage, outcomes]
}

module mail 'modules/mail.bicep' = {
  params: {
    token: token
    name: communication
    installation: installation
    tags: tags
    dataLocation: mailDataLocation
    domainName: mailDomain
    domainVerified: mailDomainVerified
    role: mailRole
    principalId: identity.properties.principalId
    identityId: identity.id
    logAnalyticsId: logAnalyticsId
  }
  dependsOn: [monitoring]
}

module app 'modules/function-app.bicep' = {
  params: {
    token: token
    name: functionApp
    location: appRegion
    tags: { ...tags, 'azd-service-name': 'reactor' }
    identityId: identity.id
    identityClientId: identity.properties.clientId
    hostBlobEndpoint: hostStorage.outputs.blobEndpoint
    packageContainer: packageContainer
    appInsightsConnectionString: monitoring.outputs.connectionString
    maximumInstances: maximumInstances
    alwaysReadyInstances: alwaysReadyInstances
    zoneRedundant: zoneRedundant
    subnetId: networking == 'private'
      ? resourceId('Microsoft.Network/virtualNetworks/subnets', virtualNetwork, 'app')
      : null
    settings: {
      WORKSPACES: join(map(distinct, w => w.id), ',')
      OPS_EMAIL: join(map(opsEmails, address => addressOf(address)), ',')
      MAIL_ENDPOINT: mail.outputs.endpoint
      MAIL_SENDER: mail.outputs.sender
      MAIL_PER_MINUTE: string(mailPerMinute ?? (mailDomain == null ? 5 : 30))
      MAIL_PER_HOUR: string(mailPerHour ?? (mailDomain == null ? 10 : 100))
      MAIL_DIGEST_AT: mailDigestAt
      INSTALLATION: installationOf(installation)
      REACTIONS_FILE: reactionsFile
      AZURE_CLIENT_ID: identity.properties.clientId
      DRY_RUN: dryRun ? 'true' : 'false'
      READ_ONLY_WORKSPACES: join(readOnlyWorkspaces, ',')
      StateStorage__credential: 'managedidentity'
      StateStorage__clientId: identity.properties.clientId
      StateStorage__blobServiceUri: stateStorage.outputs.blobEndpoint
      StateStorage__queueServiceUri: stateStorage.outputs.queueEndpoint
      StateStorage__tableServiceUri: stateStorage.outputs.tableEndpoint
      ...(publishOutcomes ? { OUTCOME_TOPIC_ENDPOINT: outcomes!.outputs.endpoint } : {})
    }
  }
  dependsOn: [hostAccess, appAccess, network] // the host needs its storage when it starts
}

module workspaceRoles 'modules/workspace-role.bicep' = [
  for group in workspaceGroups: if (workspaceRole == 'custom') {
    scope: resourceGroup(split(group, '/')[0], split(group, '/')[1])
    params: { installation: installation }
  }
]

module workspaceAccess 'modules/workspace-access.bicep' = [
  for w in distinct: {
    scope: resourceGroup(w.workspace.subscriptionId, w.workspace.resourceGroup)
    params: {
      workspaceName: w.workspace.name
      principalId: identity.properties.principalId
      identityId: identity.id
      role: workspaceRole
      installation: installation
    }
    dependsOn: [workspaceRoles]
  }
]

module topics 'modules/system-topic.bicep' = [
  for w in distinct: {
    scope: resourceGroup(w.topic.subscriptionId, w.topic.resourceGroup)
    params: {
      name: w.topic.name
      exists: w.topicExists
      workspaceId: w.id
      location: w.region
      tags: tags
    }
  }
]

module topicReaders 'modules/topic-readers.bicep' = [
  for w in distinct: if (!empty(lookers)) {
    scope: resourceGroup(w.topic.subscriptionId, w.topic.resourceGroup)
    params: { topicName: w.topic.name, groupIds: lookers }
    dependsOn: [topics]
  }
]

module topicAccess 'modules/state-access.bicep' = [
  for (w, i) in distinct: {
    params: {
      accountName: stateAccount
      principalId: topics[i].outputs.principalId
      principalKey: resourceId(
        w.topic.subscriptionId,
        w.topic.resourceGroup,
        'Microsoft.EventGrid/systemTopics',
        w.topic.name
      )
      principalType: 'ServicePrincipal'
      duty: delivery == 'queue' ? 'eventSender' : 'deadLetterSender'
    }
    dependsOn: [stateStorage]
  }
]

// Push asks whether the functions exist: subscriptions.bicep, after the code.
@batchSize(1)
module queueSubscriptions 'modules/event-subscriptions.bicep' = [
  for w in distinct: if (delivery == 'queue') {
    scope: resourceGroup(w.topic.subscriptionId, w.topic.resourceGroup)
    params: { topicName: w.topic.name, installation: installation, stateAccountId: stateAccountId }
    dependsOn: [topicAccess] // Event Grid tries the identity when a subscription is saved
  }
]

module workbook 'modules/workbook.bicep' = {
  params: { installation: installation, location: appRegion, tags: tags, logAnalyticsId: logAnalyticsId }
  dependsOn: [monitoring]
}

module alerts 'modules/alerts.bicep' = {
  params: {
    actionGroup: actionGroup
    installation: installation
    location: appRegion
    tags: tags
    opsEmails: opsEmails
    logAnalyticsId: logAnalyticsId
    silenceHours: silenceHours
  }
  dependsOn: [monitoring]
}

module topicAlerts 'modules/topic-alerts.bicep' = [
  for w in distinct: {
    scope: resourceGroup(w.topic.subscriptionId, w.topic.resourceGroup)
    params: {
      topicName: w.topic.name
      installation: installation
      tags: tags
      actionGroupId: resourceId('Microsoft.Insights/actionGroups', actionGroup)
    }
    dependsOn: [alerts, topics]
  }
]

@description('Name of the function app.')
output AZURE_FUNCTION_APP_NAME string = functionApp

@description('For subscriptions.bicep: its one parameter `push`.')
output PUSH pushTarget = {
  installation: installation
  eventDelivery: delivery
  systemTopics: map(distinct, w => w.topic)
  functionAppId: app.outputs.id
  stateStorageId: stateStorage.outputs.id
}

@description('ARM id of the function app.')
output AZURE_FUNCTION_APP_ID string = app.outputs.id

@description('Name of the installation.')
output INSTALLATION string = installationOf(installation)

@description('push or queue: whether subscriptions.bicep is needed.')
output EVENT_DELIVERY string = delivery

@description('Name of the state account: --account of python -m ops.')
output STATE_STORAGE_NAME string = stateAccount

@description('ARM id of the state account.')
output STATE_STORAGE_ID string = stateStorage.outputs.id

@description('The system topics.')
output SYSTEM_TOPICS topicReference[] = map(distinct, w => w.topic)

@description('ARM ids of the workspaces.')
output WORKSPACES string[] = map(distinct, w => w.id)

@description('ARM id of the app\'s identity.')
output IDENTITY_ID string = identity.id

@description('Sender address of mails.')
output MAIL_SENDER string = mail.outputs.sender

@description('Name of the Log Analytics workspace.')
output LOG_ANALYTICS_NAME string = logAnalytics
