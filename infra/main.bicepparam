// For azd, which reads this file: `azd env set NAME VALUE` gives the values. Pipelines use environments/*.bicepparam.
using 'main.bicep'

param installation = readEnvironmentVariable('AZURE_ENV_NAME', 'dev')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param opsEmails = split(readEnvironmentVariable('OPS_EMAIL', 'mlops@example.com'), ',')
param eventDelivery = readEnvironmentVariable('EVENT_DELIVERY', 'push') == 'queue' ? 'queue' : 'push'
param networking = readEnvironmentVariable('NETWORKING', 'public') == 'private' ? 'private' : 'public'
param workspaces = [
  {
    id: readEnvironmentVariable('WORKSPACE_ID', '')
    location: readEnvironmentVariable('WORKSPACE_LOCATION', readEnvironmentVariable('AZURE_LOCATION', 'westeurope'))
  }
]
