// For azd, which reads this file: `azd env set NAME VALUE` gives the values. Pipelines use environments/*.bicepparam.
// What has to be set is refused with the command that sets it.
using 'main.bicep'

param installation = readEnvironmentVariable('AZURE_ENV_NAME', 'dev')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param opsEmails = split(readEnvironmentVariable('OPS_EMAIL', 'azd env set OPS_EMAIL ADDRESS'), ',')
param eventDelivery = readEnvironmentVariable('EVENT_DELIVERY', 'push') == 'queue' ? 'queue' : 'push'
param networking = readEnvironmentVariable('NETWORKING', 'public') == 'private' ? 'private' : 'public'
param workspaces = [
  {
    id: readEnvironmentVariable('WORKSPACE_ID', 'azd env set WORKSPACE_ID ID')
    location: readEnvironmentVariable('WORKSPACE_LOCATION', readEnvironmentVariable('AZURE_LOCATION', 'westeurope'))
  }
]
