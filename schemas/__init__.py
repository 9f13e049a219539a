"""The contract that producers, worker and query API share; nothing in it but the registry client touches the world."""
