#!/bin/sh
# SPDX-License-Identifier: MIT
# options.sh EASELFS STANDIN MAN COMPLETIONS: every option of `easelfs --help` is in easelfs(1) and
# in the completions of all three shells, every key of `easelfs --print-config` in easelfs.conf(5),
# with the default it has, and in the completions of -o, every setting of easelfs.conf(5) is one, and
# every option of the stand-in is in its page. None of these has more.
set -eu

easelfs=$1
standin=$2
man=$3
completions=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# same WHAT A B: two sorted lists of names are equal.
same() {
    if ! diff "$2" "$3" > "$work/diff"; then
        echo "$1:"
        cat "$work/diff"
        failed=1
    fi
}

HOME=/nonexistent
export HOME
unset XDG_CONFIG_HOME XDG_DATA_HOME || true
"$easelfs" --help > "$work/help"
"$easelfs" --config=/dev/null --print-config > "$work/config"

sed -n 's/^  \(-., \|    \)--\([a-z-]*\).*/\2/p' "$work/help" | sort > "$work/help-names"
sed -n 's/^\.It .*Fl -\([a-z-]*\).*/\1/p' "$man/easelfs.1" | sort > "$work/page-names"
test -s "$work/help-names" || { echo "no option found in --help"; exit 1; }
same "options of --help (<) and of easelfs(1) (>)" "$work/help-names" "$work/page-names"

# The short forms: "-f, --foreground" and ".It Fl f , Fl -foreground"; -o has no long one.
{ sed -n 's/^  -\(.\), --\([a-z-]*\).*/\1 \2/p' "$work/help"; echo "o"; } |
    sort > "$work/help-letters"
sed -n 's/^\.It Fl \([a-zA-Z]\) , Fl -\([a-z-]*\).*/\1 \2/p; s/^\.It Fl o Ar .*/o/p' \
    "$man/easelfs.1" | sort > "$work/page-letters"
same "short options of --help (<) and of easelfs(1) (>)" "$work/help-letters" "$work/page-letters"

sed -n "s/^_easelfs_options='\(.*\)'$/\1/p" "$completions/easelfs.bash" | tr ' ' '\n' |
    sed -n 's/^--\([a-z-]*\)=\{0,1\}$/\1/p' | sort > "$work/bash-names"
sed -n "s/^    '\(([^)]*)'{-.,\)\{0,1\}--\([a-z-]*\).*/\2/p" "$completions/easelfs.zsh" |
    sort > "$work/zsh-names"
sed -n 's/^complete .* -l \([a-z-]*\) .*/\1/p' "$completions/easelfs.fish" |
    sort > "$work/fish-names"
for shell in bash zsh fish; do
    same "options of --help (<) and of the completion for $shell (>)" \
         "$work/help-names" "$work/$shell-names"
done

sed -n '/^\[settings\]/q; s/^\([a-z_]*\) =.*/\1/p' "$work/config" | sort > "$work/config-keys"
sed -n 's/^\.It Cm \([a-z_]*\) No = .*/\1/p' "$man/easelfs.conf.5" | sort > "$work/page-keys"
test -s "$work/config-keys" || { echo "no key found in --print-config"; exit 1; }
same "keys of --print-config (<) and of easelfs.conf(5) (>)" "$work/config-keys" "$work/page-keys"

# Each key is an option too, with dashes.
tr _ - < "$work/config-keys" | sort > "$work/config-names"
comm -23 "$work/config-names" "$work/help-names" > "$work/no-option"
: > "$work/nothing"
same "keys that are no option (<)" "$work/no-option" "$work/nothing"

# In the lists of -o: the keys, but for fuse_options, and then FUSE's own, which have no help.
grep -v '^fuse_options$' "$work/config-keys" > "$work/list-keys"
sed -n "s/^_easelfs_mount_options='\(.*\)'$/\1/p" "$completions/easelfs.bash" | tr ' ' '\n' |
    sed 's/=$//' | sort > "$work/bash-list"
sed -n '/^mount_options=(/,/^)/s/^ *.\([a-z_]*\)\[.*/\1/p' "$completions/easelfs.zsh" |
    sort > "$work/zsh-list"
sed -n "s/^    echo '\([a-z_]*\).*/\1/p" "$completions/easelfs.fish" | sort -u > "$work/fish-list"
for shell in bash zsh fish; do
    comm -23 "$work/list-keys" "$work/$shell-list" > "$work/missing"
    test ! -s "$work/missing" || { echo "not completed by $shell:"; cat "$work/missing"; failed=1; }
done
same "what bash (<) and zsh (>) complete in a list of -o" "$work/bash-list" "$work/zsh-list"
same "what bash (<) and fish (>) complete in a list of -o" "$work/bash-list" "$work/fish-list"

# The settings: all of them stand in a model's section of --print-config where they are set, but the
# names are those of the files in settings/, which README.txt and the page list.
sed -n '/^\.Sh SETTINGS/,/^\.Sh FILES/s/^\.It Cm \([a-z_]*\)$/\1/p' "$man/easelfs.conf.5" |
    grep -v '^profile$' | sort > "$work/page-settings"
test "$(wc -l < "$work/page-settings")" -ge 14 || { echo "settings are missing"; failed=1; }
while read -r setting; do
    printf '[settings]\n%s = \n' "$setting" > "$work/setting.conf"
    "$easelfs" --config="$work/setting.conf" --print-config > /dev/null || failed=1
done < "$work/page-settings"

"$standin" --help | sed -n 's/^  --help, --\([a-z]*\)$/help\n\1/p; t; s/^  --\([a-z-]*\) .*/\1/p' |
    sort > "$work/standin-help"
sed -n 's/^\.It Fl -\([a-z-]*\).*/\1/p' "$man/easelfs-standin.1" | sort > "$work/standin-page"
same "options of easelfs-standin --help (<) and of its page (>)" \
     "$work/standin-help" "$work/standin-page"

# "Default: 200." and "Default:" with ".Cm ask ." below; what needs a sentence is not compared.
awk '/^\.It Cm [a-z_]* No = / { key = $3 }
     /^Default: [0-9]+[KMG]?\.$/ { sub(/\.$/, "", $2); print key " = " $2 }
     word && /^\.Cm [a-z]+ \.$/ { print key " = " $2 }
     { word = /^Default:$/ }' "$man/easelfs.conf.5" | sort > "$work/page-defaults"
test "$(wc -l < "$work/page-defaults")" -ge 17 || { echo "defaults are missing"; failed=1; }
grep -F -x -f "$work/page-defaults" "$work/config" | sort > "$work/true-defaults"
same "defaults that easelfs.conf(5) says (<) and that are so (>)" \
     "$work/page-defaults" "$work/true-defaults"

exit $failed
