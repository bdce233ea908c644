// One workspace, events pushed to functions: deploy this, then the code, then subscriptions.bicep.
using '../main.bicep'
extends 'base.bicepparam'

param installation = 'dev'
param eventDelivery = 'push'
param workspaces = [
  {
    id: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ml-dev/providers/Microsoft.MachineLearningServices/workspaces/mlw-dev'
    location: 'westeurope'
  }
]
