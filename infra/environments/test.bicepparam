// One workspace that has a system topic already; events go straight into the queue, and people have their roles.
using '../main.bicep'
extends 'base.bicepparam'

param installation = 'test'
param eventDelivery = 'queue'
param publishOutcomes = true
param groups = {
  operators: '00000000-0000-0000-0000-0000000000a1'
  readers: '00000000-0000-0000-0000-0000000000a2'
  deployers: '00000000-0000-0000-0000-0000000000a3'
}
param workspaces = [
  {
    id: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ml-test/providers/Microsoft.MachineLearningServices/workspaces/mlw-test'
    location: 'westeurope'
    systemTopicId: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-events/providers/Microsoft.EventGrid/systemTopics/mlw-test-events'
  }
]
