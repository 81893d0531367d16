# SPDX-License-Identifier: MIT
# Compiler and linker flags of every target: warnings, hardening, sanitizers.
include(CheckCCompilerFlag)

add_compile_definitions(_GNU_SOURCE _FILE_OFFSET_BITS=64)
add_compile_options(-Wall -Wextra -Wconversion -Wformat=2 -Wimplicit-fallthrough -Wshadow
                    -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wpointer-arith
                    -Wwrite-strings -fno-strict-aliasing -fno-common)
if(EASELFS_FAILPOINTS)
  add_compile_definitions(EASELFS_FAILPOINTS)
endif()
if(EASELFS_WERROR)
  add_compile_options(-Werror)
endif()

if(EASELFS_SANITIZE)
  string(REPLACE "," ";" sanitizers "${EASELFS_SANITIZE}")
  foreach(sanitizer IN LISTS sanitizers)
    add_compile_options(-fsanitize=${sanitizer})
    add_link_options(-fsanitize=${sanitizer})
  endforeach()
  add_compile_options(-fno-sanitize-recover=all -fno-omit-frame-pointer)
else()
  # FORTIFY and the sanitizers' interceptors get in each other's way: one or the other.
  foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
               -ftrivial-auto-var-init=zero -fzero-call-used-regs=used-gpr
               -fno-delete-null-pointer-checks -fno-strict-overflow)
    string(MAKE_C_IDENTIFIER "HAVE${flag}" have)
    check_c_compiler_flag(${flag} ${have})
    if(${have})
      add_compile_options(${flag})
    endif()
  endforeach()
  add_compile_options($<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>
                      $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>)
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack,-z,nodlopen -Wl,--as-needed)
endif()
add_link_options(-pie)
add_compile_options(-fPIE)
