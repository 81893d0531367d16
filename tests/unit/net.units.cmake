# The tests of net/. The last ones share a server that plays scripts (net_peer) and a client that
# remembers what it was told (net_client).
easelfs_unit(guard net base)
easelfs_unit(head net base)
easelfs_unit(outcome net base)
foreach(name transport transport_limits transport_failures transport_timeouts transport_calls
             transport_tls transport_memory picture picture_redirects)
  easelfs_unit(${name} net base)
  target_sources(test_${name} PRIVATE unit/net_peer.c unit/net_client.c)
endforeach()
# Every allocation that net/ and base/ ask for goes through the test, which lets each fail in turn.
target_link_options(test_transport_memory PRIVATE
                    -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=strndup
                    -Wl,--wrap=wiping_init)
