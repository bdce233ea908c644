metadata description = 'The app\'s role in the workspaces of one resource group: start jobs, read what they refer to and what became of them, tag models. No keys, no secrets, no delete.'

@description('Name of the installation.')
param installation string

// Azure wants the name once in the whole directory.
resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'workspace-reactor', installation)
  properties: {
    roleName: 'Workspace Reactor ${installation} (${uniqueString(resourceGroup().id)})'
    description: 'Start Azure ML jobs, read what they refer to and what became of them, tag models. No keys, no secrets, no delete.'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: [
          'Microsoft.MachineLearningServices/workspaces/read'
          // start a job; see whether it was started; follow a run to its parent and its error
          'Microsoft.MachineLearningServices/workspaces/jobs/read'
          'Microsoft.MachineLearningServices/workspaces/jobs/write'
          'Microsoft.MachineLearningServices/workspaces/experiments/read'
          'Microsoft.MachineLearningServices/workspaces/experiments/runs/read'
          // what a job may refer to
          'Microsoft.MachineLearningServices/workspaces/codes/read'
          'Microsoft.MachineLearningServices/workspaces/codes/versions/read'
          'Microsoft.MachineLearningServices/workspaces/components/read'
          'Microsoft.MachineLearningServices/workspaces/components/versions/read'
          'Microsoft.MachineLearningServices/workspaces/computes/read'
          'Microsoft.MachineLearningServices/workspaces/data/read'
          'Microsoft.MachineLearningServices/workspaces/data/versions/read'
          'Microsoft.MachineLearningServices/workspaces/datastores/read'
          'Microsoft.MachineLearningServices/workspaces/environments/read'
          'Microsoft.MachineLearningServices/workspaces/environments/versions/read'
          'Microsoft.MachineLearningServices/workspaces/models/read'
          'Microsoft.MachineLearningServices/workspaces/models/versions/read'
          // the verdict on a model, as its tags
          'Microsoft.MachineLearningServices/workspaces/models/versions/write'
        ]
      }
    ]
  }
}

@description('ARM id of the role.')
output id string = role.id
