metadata description = 'Log Analytics and Application Insights, which take log lines from identities only.'

import { builtInRoles, resourceTags } from '../types.bicep'

@description('Suffix of names.')
param token string

@description('Name of the Log Analytics workspace.')
param logAnalyticsName string

@description('Region.')
param location string

@description('Tags.')
param tags resourceTags

@description('Object id of the app\'s identity.')
param principalId string

@description('ARM id of that identity; the assignment\'s name derives from it.')
param identityId string

@description('Days that log lines are kept.')
@minValue(30)
@maxValue(730)
param retentionInDays int

@description('Most gigabytes a day; -1: no limit.')
param dailyQuotaGb int

resource logs 'Microsoft.OperationalInsights/workspaces@2026-03-01' = {
  name: logAnalyticsName
  location: location
  tags: tags
  properties: {
    retentionInDays: retentionInDays
    sku: { name: 'PerGB2018' }
    workspaceCapping: { dailyQuotaGb: dailyQuotaGb }
    features: { disableLocalAuth: true, enableLogAccessUsingOnlyResourcePermissions: true }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${token}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: logs.id
    IngestionMode: 'LogAnalytics'
    DisableLocalAuth: true
  }
}

resource publish 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, identityId, builtInRoles.metricsPublisher)
  scope: insights
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', builtInRoles.metricsPublisher)
  }
}

@description('Connection string; no secret, because only identities may write.')
output connectionString string = insights.properties.ConnectionString
