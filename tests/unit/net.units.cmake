# The tests of net/. The last ones share a server that plays scripts (net_peer) and a client that
# remembers what it was told (net_client).
easelfs_unit(guard net base)
easelfs_unit(head net base)
easelfs_unit(outcome net base)
foreach(name transport failures calls picture tls)
  easelfs_unit(${name} net base)
  target_sources(test_${name} PRIVATE unit/net_peer.c unit/net_client.c)
endforeach()
