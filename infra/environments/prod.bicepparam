// Three workspaces, two of them in one group and one in another subscription; a private network; nothing starts cold.
using '../main.bicep'
extends 'base.bicepparam'

param installation = 'prod'
param eventDelivery = 'queue'
param networking = 'private'
param alwaysReadyInstances = 1
param zoneRedundant = true
param logRetentionInDays = 90
param logQuotaGb = 5
param readOnlyWorkspaces = ['mlw-us']
param groups = {
  operators: '00000000-0000-0000-0000-0000000000a1'
  readers: '00000000-0000-0000-0000-0000000000a2'
  deployers: '00000000-0000-0000-0000-0000000000a3'
}
param workspaces = [
  {
    id: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ml-prod/providers/Microsoft.MachineLearningServices/workspaces/mlw-churn'
    location: 'westeurope'
  }
  {
    id: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ml-prod/providers/Microsoft.MachineLearningServices/workspaces/mlw-fraud'
    location: 'westeurope'
  }
  {
    id: '/subscriptions/00000000-0000-0000-0000-000000000002/resourceGroups/rg-ml-us/providers/Microsoft.MachineLearningServices/workspaces/mlw-us'
    location: 'eastus2'
  }
]
