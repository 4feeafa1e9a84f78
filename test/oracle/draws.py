"""The random numbers of the kernels (src/compute/random.h), written anew."""
MASK = 2**64 - 1


def mix(z):
    z ^= z >> 30
    z = z * 0xBF58476D1CE4E5B9 & MASK
    z ^= z >> 27
    z = z * 0x94D049BB133111EB & MASK
    z ^= z >> 31
    return z


def h(seed, *numbers):
    t = mix((seed + 0x9E3779B97F4A7C15) & MASK)
    for x in numbers:
        t = mix(((t ^ x) + 0x9E3779B97F4A7C15) & MASK)
    return t


def uniform(hash_value):
    return (hash_value >> 11) * 2.0**-53


def sample(n, count, seed):
    """The nodes that a seed stands for: those with the smallest hash."""
    return sorted(range(n), key=lambda u: (h(seed & MASK, u), u))[:count]
