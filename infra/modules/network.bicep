metadata description = 'A virtual network: a subnet for the app, one for private endpoints, and the DNS zones of what is reached through them.'

import { privateTarget, resourceTags } from '../types.bicep'

@description('Name of the virtual network.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags resourceTags

@description('Address range, /25 or larger.')
param addressPrefix string

@description('Route table of the app\'s subnet, for a firewall; null: Azure\'s own routes.')
param routeTableId string?

@description('What is reached through private endpoints.')
param targets privateTarget[]

var services = union(map(targets, t => t.service), [])

resource network 'Microsoft.Network/virtualNetworks@2025-09-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    // Within the network: as resources of their own a second deployment would first take them away.
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 0) // Flex Consumption wants /27 or larger
          delegations: [{ name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }]
          routeTable: routeTableId == null ? null : { id: routeTableId }
        }
      }
      {
        name: 'endpoints'
        properties: { addressPrefix: cidrSubnet(addressPrefix, 26, 1), privateEndpointNetworkPolicies: 'Disabled' }
      }
    ]
  }

  resource endpoints 'subnets' existing = { name: 'endpoints' }
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for s in services: {
    name: s == 'topic' ? 'privatelink.eventgrid.azure.net' : 'privatelink.${s}.${environment().suffixes.storage}'
    location: 'global'
    tags: tags
  }
]

resource zoneLink 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (s, i) in services: {
    parent: zone[i]
    name: network.name
    location: 'global'
    tags: tags
    properties: { registrationEnabled: false, virtualNetwork: { id: network.id } }
  }
]

resource endpoint 'Microsoft.Network/privateEndpoints@2025-09-01' = [
  for t in targets: {
    name: 'pe-${last(split(t.id, '/'))}-${t.service}'
    location: location
    tags: tags
    properties: {
      subnet: { id: network::endpoints.id }
      privateLinkServiceConnections: [
        { name: t.service, properties: { privateLinkServiceId: t.id, groupIds: [t.service] } }
      ]
    }
  }
]

resource zoneGroup 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-09-01' = [
  for (t, i) in targets: {
    parent: endpoint[i]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        { name: t.service, properties: { privateDnsZoneId: zone[indexOf(services, t.service)].id } }
      ]
    }
    dependsOn: [zoneLink]
  }
]
