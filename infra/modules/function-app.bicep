metadata description = 'The Flex Consumption plan and the function app.'

import { resourceTags } from '../types.bicep'

@description('Suffix of names.')
param token string

@description('Name of the app.')
param name string

@description('Region.')
param location string

@description('Tags; azd finds the app by azd-service-name.')
param tags resourceTags

@description('ARM id of the user-assigned identity.')
param identityId string

@description('Its client id.')
param identityClientId string

@description('Blob endpoint of the host\'s account.')
param hostBlobEndpoint string

@description('Container there for the code package.')
param packageContainer string

@description('Connection string of Application Insights; no secret, because only identities may write.')
param appInsightsConnectionString string

@description('Most instances at a time.')
@minValue(40)
@maxValue(1000)
param maximumInstances int

@description('Instances of the function `react` that are always there.')
@minValue(0)
param alwaysReadyInstances int

@description('Instances in several zones of the region.')
param zoneRedundant bool

@description('Subnet for outgoing traffic; null: the public network.')
param subnetId string?

@description('App settings that the code reads.')
param settings resourceInput<'Microsoft.Web/sites/config@2025-03-01'>.properties

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-${token}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true, zoneRedundant: zoneRedundant }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    virtualNetworkSubnetId: subnetId
    outboundVnetRouting: subnetId == null ? null : { allTraffic: true }
    siteConfig: { minTlsVersion: '1.2' }
    functionAppConfig: {
      runtime: { name: 'python', version: '3.13' }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostBlobEndpoint}${packageContainer}' // an address, not a resource id
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        maximumInstanceCount: maximumInstances
        alwaysReady: alwaysReadyInstances == 0 ? [] : [{ name: 'function:react', instanceCount: alwaysReadyInstances }]
      }
    }
  }

  resource appSettings 'config' = {
    name: 'appsettings'
    properties: {
      ...settings
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identityClientId
      AzureWebJobsStorage__blobServiceUri: hostBlobEndpoint
      APPLICATIONINSIGHTS_CONNECTION_STRING: appInsightsConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    }
  }

  resource noPasswordScm 'basicPublishingCredentialsPolicies' = { name: 'scm', properties: { allow: false } }
  resource noPasswordFtp 'basicPublishingCredentialsPolicies' = { name: 'ftp', properties: { allow: false } }
}

@description('ARM id of the function app.')
output id string = app.id
