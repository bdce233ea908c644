// Types, roles and the checks of what an admin writes: a mistake stops the deployment before anything is created, and says what to write.

@export()
@sealed()
@description('An existing Azure Machine Learning workspace to react to.')
type watchedWorkspace = {
  @description('ARM id: /subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.MachineLearningServices/workspaces/<name>.')
  id: string

  @description('Region of the workspace; its system topic is created there.')
  location: string

  @description('ARM id of the Event Grid system topic that the workspace has already (it can only have one), in any resource group of its subscription. It needs a system-assigned identity: az eventgrid system-topic update --identity systemassigned.')
  systemTopicId: string?
}

@export()
@sealed()
@description('A system topic and where it is.')
type topicReference = {
  @description('Name of the topic.')
  name: string

  @description('Resource group of the topic.')
  resourceGroup: string

  @description('Subscription of the topic.')
  subscriptionId: string
}

@export()
@sealed()
@description('What the second deployment of push needs to know: the output PUSH of main.bicep is the parameter `push` of subscriptions.bicep.')
type pushTarget = {
  @description('Name of the installation.')
  installation: string

  @description('How events arrive there: subscriptions.bicep refuses queue.')
  eventDelivery: deliveryMode

  @description('The system topics.')
  systemTopics: topicReference[]

  @description('ARM id of the function app.')
  functionAppId: string

  @description('ARM id of the state account.')
  stateStorageId: string
}

@export()
@description('How events arrive. push: Event Grid calls one function for each family; a second deployment (subscriptions.bicep) after the code. queue: Event Grid writes into the queue by managed identity; one deployment.')
type deliveryMode = 'push' | 'queue'

@export()
@description('private: a virtual network, private endpoints, and storage without public access. Needs eventDelivery = queue.')
type networkMode = 'public' | 'private'

@export()
@sealed()
@description('Object ids of Entra groups. Nobody is given a role where a group is left out.')
type accessGroups = {
  @description('Who puts dead letters back and pauses reactions.')
  operators: string?

  @description('Who looks: decisions, dead letters, queues, alerts.')
  readers: string?

  @description('Who deploys code (not infrastructure).')
  deployers: string?
}

@export()
@sealed()
@description('Names to use instead of the derived ones.')
type resourceNames = {
  @description('Storage account of the state.')
  stateStorage: string?

  @description('Storage account of the Functions host.')
  hostStorage: string?

  @description('Function app.')
  functionApp: string?

  @description('User-assigned identity of the app.')
  identity: string?

  @description('Log Analytics workspace.')
  logAnalytics: string?

  @description('Communication Services resource.')
  communication: string?

  @description('Virtual network, with networking = private.')
  virtualNetwork: string?
}

@export()
@description('Tags of every resource.')
type resourceTags = {
  @description('Any tag.')
  *: string
}

@export()
@sealed()
@description('A resource to reach through a private endpoint.')
type privateTarget = {
  @description('ARM id of the resource.')
  id: string

  @description('Which of its services.')
  service: 'blob' | 'queue' | 'table' | 'topic'
}

@description('A family of events: the function that takes it in, and the event types that its subscription delivers.')
@sealed()
type eventFamily = {
  @description('The word after `on:` in reactions.yaml.')
  family: string

  @description('Name of the function in function_app.py.')
  function: string

  @description('Event types to deliver.')
  eventTypes: string[]
}

@export()
@description('Generated from the registry in handlers/ by `python -m ops filters`; both modes of delivery read it.')
var families eventFamily[] = loadJsonContent('filters.json')

@export()
@description('Names in the state account, fixed by the code (shared/gateways, shared/store).')
var stateNames = {
  queue: 'workspace-events'
  poisonQueue: 'workspace-events-poison'
  table: 'state'
  deadLetters: 'dead-letters'
  largeEvents: 'large-events'
}

@export()
@description('Built-in roles that are assigned somewhere.')
var builtInRoles = {
  blobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  blobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  blobDataReader: '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
  communicationOwner: '09976791-48a7-449e-bb21-39d1a415f350'
  dataScientist: 'f6c7c914-8db3-469d-8ca1-694a8f32e121'
  eventGridDataSender: 'd5a91429-5739-47e2-a06b-3470a27159e7'
  metricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
  queueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  queueDataReader: '19e7f393-937e-4f77-808e-94535e297925'
  queueMessageSender: 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'
  reader: 'acdd72a7-3385-48ef-bd42-f606fba81ae7'
  tableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  tableDataReader: '76199698-9eea-4c19-bc75-cec21354c6b6'
  websiteContributor: 'de139f84-1756-47ae-9be6-808fbbe84772'
}

func isId(parts string[], provider string, kind string) bool =>
  length(parts) == 9 && empty(parts[0]) && toLower('${parts[1]}/${parts[3]}/${parts[5]}/${parts[6]}/${parts[7]}') == toLower('subscriptions/resourceGroups/providers/${provider}/${kind}') && length(parts[2]) == 36 && !empty(parts[4]) && !empty(parts[8]) && !contains(
    '${parts[4]}${parts[8]}',
    '<'
  )

@export()
@description('The parts of a workspace id, or a refusal that says where to find it.')
func workspaceOf(id string) { subscriptionId: string, resourceGroup: string, name: string } =>
  isId(split(id, '/'), 'Microsoft.MachineLearningServices', 'workspaces')
    ? { subscriptionId: split(id, '/')[2], resourceGroup: split(id, '/')[4], name: split(id, '/')[8] }
    : fail('workspaces: "${id}" is not the ARM id of an Azure ML workspace. Copy it with `az ml workspace show --name NAME --resource-group GROUP --query id --output tsv`; it reads /subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.MachineLearningServices/workspaces/<name>.')

@export()
@description('The parts of a system topic id, which must be in the subscription of its workspace.')
func topicOf(id string, subscriptionId string) topicReference =>
  isId(split(id, '/'), 'Microsoft.EventGrid', 'systemTopics') && toLower(split('${id}//', '/')[2]) == toLower(subscriptionId)
    ? { subscriptionId: split(id, '/')[2], resourceGroup: split(id, '/')[4], name: split(id, '/')[8] }
    : fail('workspaces: systemTopicId "${id}" is not the ARM id of a system topic in the subscription of its workspace (${subscriptionId}). List them with `az eventgrid system-topic list --query "[].{id:id,source:source}"`; leave it out to have one created.')

@export()
@description('The name of the installation, or a refusal that says what it may be made of: the code asks for the same.')
func installationOf(name string) string =>
  empty(filter(
      map(range(0, length(name)), i => substring(name, i, 1)),
      c => !contains('abcdefghijklmnopqrstuvwxyz0123456789-', c)
    )) && !startsWith(name, '-')
    ? name
    : fail('installation: "${name}" must be made of a-z, 0-9 and -, and not begin with -. For azd it is the name of the environment: azd env new NAME.')

@export()
@description('A mail address, or a refusal.')
func addressOf(address string) string =>
  contains(address, '@') && contains(last(split(address, '@')), '.') && !contains(address, ' ') && !contains(
      address,
      ','
    )
    ? address
    : fail('opsEmails: "${address}" is no mail address. Write each address by itself, for example mlops@example.com.')

@export()
@description('The short name of a region, or a refusal that says how to list them.')
func regionOf(name string, what string) string =>
  contains(loadJsonContent('regions.json'), toLower(replace(name, ' ', '')))
    ? toLower(replace(name, ' ', ''))
    : fail('${what}: "${name}" is no Azure region that is known here. List them with `az account list-locations --query "[].name" --output tsv` (for the app: `az functionapp list-flexconsumption-locations`). A region newer than this list: add it to infra/regions.json.')
