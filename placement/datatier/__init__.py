"""The data tier: databases, caches and platform services, from what services ask for to workloads to place.

`groups` says who may share, `arrangement` how each service is arranged, `node_price` what a node costs before it has a
host. `choice` chooses clusters by the packing engine, `cohesion` brings domains together in them. On these stand
`postgres`, `valkey` and `platform`.
"""
