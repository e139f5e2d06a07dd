"""The layered-embedding model: network, loss, clustering and its adapter (paper sections 3 and 4)."""

# name -> "module:Class"; imported only when the name is asked for
ADAPTERS = {"layered-embedding": "embedding_model.adapter:LayeredEmbedding"}
