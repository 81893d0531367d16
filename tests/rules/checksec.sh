#!/bin/sh
# SPDX-License-Identifier: MIT
# What the compiler and the linker can do against whoever finds a fault: a position-independent
# program, all of its relocations read-only, no stack or segment that is both written and run, a
# canary on the stack, and the checked forms of the C library's functions. (Branches that can only
# land where one may are asked of the compiler, too; Debian 12's start files undo that.)
# Usage: checksec.sh PROGRAM...
set -eu
bad=0

for program in "$@"; do
    segments=$(readelf -lW "$program")
    dynamic=$(readelf -dW "$program")
    symbols=$(readelf -sW --dyn-syms "$program")

    need() { # need WHAT PATTERN TEXT
        echo "$3" | grep -qE "$2" || { echo "$program: no $1"; bad=1; }
    }
    refuse() {
        ! echo "$3" | grep -qE "$2" || { echo "$program: has $1"; bad=1; }
    }

    need "position independence" '^Elf file type is DYN' "$segments"
    need "mark of an executable (PIE)" 'FLAGS_1.*\bPIE\b' "$dynamic"
    need "read-only relocations (RELRO)" '^ +GNU_RELRO ' "$segments"
    need "immediate binding (full RELRO)" 'FLAGS_1.*\bNOW\b' "$dynamic"
    need "header of the stack" '^ +GNU_STACK ' "$segments"
    refuse "a stack that can be run (NX)" '^ +GNU_STACK .* RWE ' "$segments"
    refuse "a segment that is written and run" '^ +LOAD .* RWE ' "$segments"
    refuse "relocations in its code" '\(TEXTREL\)' "$dynamic"
    refuse "a path of its own for libraries" '\((RPATH|RUNPATH)\)' "$dynamic"
    need "stack canary" '\b__stack_chk_fail\b' "$symbols"
    need "checked function (_FORTIFY_SOURCE)" '\b__v?snprintf_chk\b' "$symbols"
    refuse "an unchecked sprintf" '\bv?sprintf(@|$)' "$symbols"
done
exit $bad
