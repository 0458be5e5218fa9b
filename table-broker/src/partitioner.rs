//! Which partition a key belongs to.

/// The partition of `key` in a topic of `partitions` partitions: the one that Kafka's Java client chooses,
/// `toPositive(murmur2(key)) % partitions`, so that a topic can move between the two. Unlike there, an empty key is
/// hashed as any other. 0 partitions count as 1.
pub fn partition_for(key: &[u8], partitions: u32) -> u32 {
    (murmur2(key) & 0x7fff_ffff) % partitions.max(1)
}

/// `MurmurHash2`, 32 bits, little endian, with the seed that Kafka uses
/// (`org.apache.kafka.common.utils.Utils.murmur2`).
fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;

    // Kafka, too, mixes in the length modulo 2^32.
    #[expect(clippy::cast_possible_truncation, reason = "the algorithm takes the length modulo 2^32")]
    let mut hash = SEED ^ data.len() as u32;
    let (words, tail) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !tail.is_empty() {
        for (index, byte) in tail.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * index);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Apache Kafka, `clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java`, `testMurmur2`
    /// (Apache License 2.0).
    const KAFKA_VECTORS: [(&str, i32); 6] = [
        ("21", -973_932_308),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        ("abc", 479_470_107),
    ];

    #[test]
    fn hashes_as_kafka_does() {
        for (key, expected) in KAFKA_VECTORS {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), expected, "{key}");
        }
    }

    #[test]
    fn a_negative_hash_is_made_positive_by_dropping_the_sign_bit() {
        for (key, hash) in KAFKA_VECTORS {
            let expected = u32::try_from(hash & i32::MAX).unwrap() % 12;
            assert_eq!(partition_for(key.as_bytes(), 12), expected, "{key}");
        }
    }

    #[test]
    fn any_key_has_a_partition() {
        assert!(partition_for(b"", 12) < 12);
        assert_eq!(partition_for(b"abc", 1), 0);
        assert_eq!(partition_for(b"abc", 0), 0);
    }
}
