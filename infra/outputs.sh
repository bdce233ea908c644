# Reads the outputs of a deployment of main.bicep; the other scripts source it. azd gives them as variables; else they are asked for by the
# resource group and the deployment's name. Not by the outputs' names: Azure changes the case of those.

# outputs GROUP DEPLOYMENT: sets INSTALLATION, EVENT_DELIVERY, PUSH, AZURE_LOCATION, AZURE_RESOURCE_GROUP
outputs() {
  AZURE_RESOURCE_GROUP=$1
  PUSH=$(deployed "$1" "$2" @ json)
  [ -n "$PUSH" ] && [ "$PUSH" != null ] || {
    echo "no outputs in the deployment $2 of $1: deploy infra/main.bicep first, or name its deployment as the second argument" >&2
    exit 1
  }
  INSTALLATION=$(deployed "$1" "$2" installation tsv)
  EVENT_DELIVERY=$(deployed "$1" "$2" eventDelivery tsv)
  AZURE_LOCATION=$(az group show --name "$1" --query location --output tsv)
}

# deployed GROUP DEPLOYMENT FIELD FORMAT: a field of the one output that is an object
deployed() {
  az deployment group show --resource-group "$1" --name "$2" --output "$4" \
    --query "values(properties.outputs)[].value | [?type(@)=='object'] | [0] | $3"
}
