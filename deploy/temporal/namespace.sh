#!/bin/sh
# The namespace and the search attributes that concepts carry. May run at every start: what is there stays as it is.
set -eu

until temporal operator cluster health >/dev/null 2>&1; do sleep 1; done
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "${RETENTION:-72h}"
# A new namespace is known to the server's other halves only seconds later.
until known=$(temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE" --output json); do sleep 1; done
for name in ConceptTask ConceptStage ConceptKind; do
  case $known in
    *"\"$name\""*) ;;
    *) temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$name" --type Keyword ;;
  esac
done
