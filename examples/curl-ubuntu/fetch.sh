#!/bin/sh
# Fetches the address given as argument and says what came back.
curl --silent --show-error --output /dev/null --write-out '%{http_code} %{size_download} bytes\n' "$@"
