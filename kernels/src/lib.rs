//! Where kernels come from: manifests, fetching, building, the cache.
