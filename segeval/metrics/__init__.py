"""Every metric, by wing: overlap, agreement, partition, volume."""
