metadata description = 'A storage account without keys: the host\'s own, or the one of the state.'

import { networkMode, resourceTags } from '../types.bicep'

@description('Name of the account, unique in Azure.')
@minLength(3)
@maxLength(24)
param name string

@description('Region.')
param location string

@description('Tags.')
param tags resourceTags

@description('Copies in several zones of the region.')
param zoneRedundant bool

@description('Blob containers.')
param containers string[] = []

@description('Queues.')
param queues string[] = []

@description('Tables.')
param tables string[] = []

@description('Blobs to delete by age.')
param expiry expiryRule[] = []

@description('private: private endpoints, and Azure services that sign in with a system-assigned identity (Event Grid).')
param networking networkMode

@description('How long the blobs of a container are kept.')
type expiryRule = {
  @description('The container.')
  container: string

  @description('Days after the last change.')
  days: int
}

resource account 'Microsoft.Storage/storageAccounts@2026-04-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS' }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: networking == 'private' ? 'Disabled' : 'Enabled'
    // The bypass lets Event Grid in by its identity while public access is off.
    networkAcls: { defaultAction: networking == 'private' ? 'Deny' : 'Allow', bypass: 'AzureServices' }
  }

  resource blobService 'blobServices' = {
    name: 'default'
    properties: {
      deleteRetentionPolicy: { enabled: true, days: 14 }
      containerDeleteRetentionPolicy: { enabled: true, days: 14 }
    }

    resource container 'containers' = [for c in containers: { name: c, properties: { publicAccess: 'None' } }]
  }

  resource queueService 'queueServices' = if (!empty(queues)) {
    name: 'default'

    resource queue 'queues' = [for q in queues: { name: q }]
  }

  resource tableService 'tableServices' = if (!empty(tables)) {
    name: 'default'

    resource table 'tables' = [for t in tables: { name: t }]
  }

  resource retention 'managementPolicies' = if (!empty(expiry)) {
    name: 'default'
    properties: {
      policy: {
        rules: [
          for e in expiry: {
            name: 'expire-${e.container}'
            type: 'Lifecycle'
            enabled: true
            definition: {
              filters: { blobTypes: ['blockBlob'], prefixMatch: ['${e.container}/'] }
              actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: e.days } } }
            }
          }
        ]
      }
    }
  }
}

@description('ARM id of the account.')
output id string = account.id

@description('Blob endpoint, with a slash at the end.')
output blobEndpoint string = account.properties.primaryEndpoints.blob

@description('Queue endpoint.')
output queueEndpoint string = account.properties.primaryEndpoints.queue

@description('Table endpoint.')
output tableEndpoint string = account.properties.primaryEndpoints.table
