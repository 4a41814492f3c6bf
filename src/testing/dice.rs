/// Numbers that look random and are the same for the same seed (`SplitMix64`).
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0.
    #[expect(clippy::cast_possible_truncation, reason = "the remainder is below a `usize`")]
    pub(super) fn below(&mut self, limit: usize) -> usize {
        (self.roll() % limit as u64) as usize
    }

    /// Yes, as often as `chance` says: never for 0, always for 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit into an `f64`")]
    pub(super) fn says(&mut self, chance: f64) -> bool {
        const STEPS: u64 = 1 << 53;
        ((self.roll() % STEPS) as f64 / STEPS as f64) < chance
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn rolls_the_published_numbers() {
        let mut dice = Dice::new(1_234_567);
        let rolled = [dice.roll(), dice.roll(), dice.roll()];
        assert_eq!(
            rolled,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn keeps_to_the_chance() {
        let mut dice = Dice::new(7);
        assert!((0..1000).all(|_| dice.says(1.0) && !dice.says(0.0)));
        let often = (0..10_000).filter(|_| dice.says(0.25)).count();
        assert!((2_300..2_700).contains(&often), "{often}");
    }
}
