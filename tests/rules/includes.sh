#!/bin/sh
# SPDX-License-Identifier: MIT
# The layers: a folder of src/ includes only what stands in its line here, and each third-party
# header is used in one folder only (cJSON: api and store). Usage: includes.sh SRC
set -eu
cd "$1"
bad=0

allow() { # allow FOLDER "FOLDERS IT MAY INCLUDE" "THIRD-PARTY HEADERS"
    folder=$1 own=$2 third=$3
    for file in $(find "$folder" -name '*.[ch]'); do
        for header in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file"); do
            case " $folder $own " in
            *" ${header%%/*} "*) ;;
            *) echo "$file: may not include \"$header\""; bad=1 ;;
            esac
        done
        for header in $(sed -n 's/^#include <\(cjson\/\|curl\/\|fuse\|magic\|ini\|microhttpd\|cairo\|jpeg\|openssl\/\|seccomp\)[^>]*>.*/\1/p' "$file"); do
            case " $third " in
            *" $header "*) ;;
            *) echo "$file: may not include <$header...>"; bad=1 ;;
            esac
        done
    done
}

allow base "" ""
allow conf "base" "ini"
allow store "base conf" "cjson/ magic openssl/"
allow api "base conf" "cjson/"
allow net "base" "curl/"
allow job "base conf store api net" ""
allow tree "base conf store job" ""
allow mount "base conf store job tree" "fuse"
allow completion "base conf" ""
allow standin "" "cjson/ microhttpd cairo jpeg"
exit $bad
