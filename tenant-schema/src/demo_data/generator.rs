//! A small seeded source of numbers: the same seed gives the same rows on every machine and in every release.

use chrono::{DateTime, Duration, Utc};
use uuid::{Builder, Uuid};

/// splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014), seeded by a text.
pub(super) struct Generator {
    state: u64,
    base: DateTime<Utc>,
}

impl Generator {
    /// Seeds by FNV-1a over the text, so that neighbouring names give unrelated rows.
    pub(super) fn new(seed: &str, base: DateTime<Utc>) -> Self {
        let state = seed.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self { state, base }
    }

    /// The moment "now" of the generated story.
    pub(super) fn base(&self) -> DateTime<Utc> {
        self.base
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number of `low..=high`.
    pub(super) fn between(&mut self, low: u32, high: u32) -> u32 {
        let drawn = u32::try_from(self.next() >> 32).expect("half of 64 bits are 32");
        low + drawn % (high - low + 1)
    }

    /// Whether something that happens in `percent` of all cases happens.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.between(1, 100) <= percent
    }

    /// One of the words, of which there must be some.
    pub(super) fn pick<T: Copy>(&mut self, words: &[T]) -> T {
        *self.choose(words)
    }

    /// One of the items, of which there must be some.
    pub(super) fn choose<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.place(items.len())]
    }

    /// One of so many places, of which there must be some.
    pub(super) fn place(&mut self, places: usize) -> usize {
        let last = u32::try_from(places - 1).expect("lists are short");
        self.between(0, last) as usize
    }

    /// One of the ids, or none where there are none.
    pub(super) fn pick_id(&mut self, ids: &[Uuid]) -> Option<Uuid> {
        if ids.is_empty() {
            None
        } else {
            Some(self.pick(ids))
        }
    }

    /// `count` different items, in the order they stand.
    pub(super) fn sample<'a, T>(&mut self, items: &'a [T], count: usize) -> Vec<&'a T> {
        let mut wanted = count.min(items.len());
        let mut taken = Vec::with_capacity(wanted);
        for (index, item) in items.iter().enumerate() {
            let left = u32::try_from(items.len() - index).expect("word lists are short");
            if (self.between(1, left) as usize) <= wanted {
                taken.push(item);
                wanted -= 1;
            }
        }
        taken
    }

    /// A moment `low..=high` days before the base, at some minute of the eight hours before the base's time of day.
    pub(super) fn days_ago(&mut self, low: u32, high: u32) -> DateTime<Utc> {
        let days = self.between(low, high);
        let minutes = self.between(0, 480);
        self.base - Duration::days(i64::from(days)) - Duration::minutes(i64::from(minutes))
    }

    /// A version 7 UUID (RFC 9562, section 5.7) of the given moment.
    pub(super) fn id(&mut self, at: DateTime<Utc>) -> Uuid {
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
        let (high, low) = (self.next().to_be_bytes(), self.next().to_be_bytes());
        let random = [
            high[0], high[1], high[2], high[3], high[4], high[5], high[6], high[7], low[0], low[1],
        ];
        Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}
