#!/bin/sh
# Subscribes the functions to the workspaces' events: the second deployment of push, after the code.
#   infra/subscribe.sh [RESOURCE_GROUP [DEPLOYMENT]]      as a hook of azd: without arguments
set -eu
here=$(dirname "$0")
. "$here/outputs.sh"
[ $# -eq 0 ] || outputs "$1" "${2:-main}"
: "${PUSH:?name the resource group of the app: infra/subscribe.sh RESOURCE_GROUP}"

if [ "${EVENT_DELIVERY:-push}" = queue ]; then
  echo "eventDelivery is queue: main.bicep has subscribed already"
  exit 0
fi

# Right after a deployment of code Event Grid may not find the functions yet.
for attempt in 1 2 3 4 5; do
  if az deployment sub create --name "reactor-subscriptions-$INSTALLATION-$AZURE_LOCATION" --location "$AZURE_LOCATION" \
    --template-file "$here/subscriptions.bicep" --parameters push="$PUSH" --output none; then
    echo "subscribed"
    exit 0
  fi
  [ "$attempt" = 5 ] || { echo "attempt $attempt failed; once more in ${REACTOR_WAIT:-30} s" >&2; sleep "${REACTOR_WAIT:-30}"; }
done
echo "the functions are not there for Event Grid: is the code deployed? az functionapp function list shows them" >&2
exit 1
