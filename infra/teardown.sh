#!/bin/sh
# Removes what the app has outside its own resource group: event subscriptions, system topics and alerts that this installation
# created, and its roles in the workspaces. Run it before the group is deleted, because it asks the group what belongs to it.
#   infra/teardown.sh [RESOURCE_GROUP [DEPLOYMENT]] [--yes]      as a hook of azd: without arguments
set -eu
here=$(dirname "$0")
. "$here/outputs.sh"
yes=
for word do
  shift
  if [ "$word" = --yes ]; then yes=1; else set -- "$@" "$word"; fi
done
[ $# -eq 0 ] || outputs "$1" "${2:-main}"
: "${PUSH:?name the resource group of the app: infra/teardown.sh RESOURCE_GROUP}"
group=$AZURE_RESOURCE_GROUP
families=$(sed -n 's/.*"family": "\([a-z-]*\)".*/\1/p' "$here/filters.json")

# The settings of the app name the workspaces; its identity is the one that belongs to the installation.
app=$(az functionapp list --resource-group "$group" --query "[?tags.\"azd-env-name\"=='$INSTALLATION'].name | [0]" --output tsv)
workspaces=$(az functionapp config appsettings list --resource-group "$group" --name "$app" --query "[?name=='WORKSPACES'].value" --output tsv | tr ',' '\n')
principal=$(az identity list --resource-group "$group" --query "[?tags.\"azd-env-name\"=='$INSTALLATION'].principalId | [0]" --output tsv)
[ -n "$workspaces" ] && [ -n "$principal" ] || { echo "nothing of the installation $INSTALLATION is in $group" >&2; exit 1; }

printf 'This removes what %s has in the groups of these workspaces:\n%s\n' "$INSTALLATION" "$workspaces"
if [ -z "$yes" ]; then
  printf 'Type the name of the installation to go on: '
  read -r answer
  [ "$answer" = "$INSTALLATION" ] || { echo "nothing was removed" >&2; exit 1; }
fi

lower() { printf %s "$1" | tr '[:upper:]' '[:lower:]'; }

topic() { # topic SUBSCRIPTION NAME GROUP: our subscriptions and alerts, and the topic if it is ours and nobody else listens
  for name in queue $families; do
    if az eventgrid system-topic event-subscription show --subscription "$1" --resource-group "$3" --system-topic-name "$2" --name "reactor-$INSTALLATION-$name" --output none 2>/dev/null; then
      az eventgrid system-topic event-subscription delete --yes --subscription "$1" --resource-group "$3" --system-topic-name "$2" --name "reactor-$INSTALLATION-$name"
      echo "removed the event subscription reactor-$INSTALLATION-$name of $2"
    fi
  done
  for alert in $(az monitor metrics alert list --subscription "$1" --resource-group "$3" --query "[?starts_with(name,'reactor-$INSTALLATION-$2-event-grid-')].name" --output tsv); do
    az monitor metrics alert delete --subscription "$1" --resource-group "$3" --name "$alert"
    echo "removed the alert $alert"
  done
  owner=$(az eventgrid system-topic show --subscription "$1" --resource-group "$3" --name "$2" --query "tags.\"azd-env-name\"" --output tsv)
  left=$(az eventgrid system-topic event-subscription list --subscription "$1" --resource-group "$3" --system-topic-name "$2" --query "length(@)" --output tsv)
  if [ "$owner" = "$INSTALLATION" ] && [ "$left" = 0 ]; then
    az eventgrid system-topic delete --yes --subscription "$1" --resource-group "$3" --name "$2"
    echo "removed the system topic $2"
  else
    echo "left the system topic $2: it is not ours, or others listen to it"
  fi
}

for workspace in $workspaces; do
  subscription=$(printf %s "$workspace" | cut -d/ -f3)
  home=$(printf %s "$workspace" | cut -d/ -f5)
  az eventgrid system-topic list --subscription "$subscription" --query "[].[source,name,resourceGroup]" --output tsv |
    while IFS="$(printf '\t')" read -r source name place; do
      [ "$(lower "$source")" != "$(lower "$workspace")" ] || topic "$subscription" "$name" "$place" </dev/null
    done
  for assignment in $(az role assignment list --scope "$workspace" --query "[?principalId=='$principal'].id" --output tsv); do
    az role assignment delete --ids "$assignment"
    echo "removed the app's role in $workspace"
  done
  for role in $(az role definition list --custom-role-only true --scope "/subscriptions/$subscription/resourceGroups/$home" --query "[?starts_with(roleName,'Workspace Reactor $INSTALLATION (')].name" --output tsv); do
    az role definition delete --custom-role-only true --scope "/subscriptions/$subscription/resourceGroups/$home" --name "$role" || echo "the role $role is still used in $home; it goes with the last workspace of that group"
  done
done
echo "what is left is the resource group itself: az group delete --name $group"
