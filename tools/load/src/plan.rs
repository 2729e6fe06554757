//! Plans the shoppers' actions and their times, before the run starts, from a seed alone.

#![expect(clippy::float_arithmetic, reason = "chances and waits are not money")]

use std::time::Duration;

use local::outcome::Outcome;
use rand::RngExt;
use rand_distr::{Distribution, Exp};

use crate::random::{Popularity, Random, stream, waits};

/// Time from placing an order to the first poll of its status.
pub(crate) const FIRST_POLL: Duration = Duration::from_millis(500);

/// Behavior of a population.
#[derive(Clone, Debug)]
pub(crate) struct Behaviour {
    /// Seed that reproduces the plan.
    pub(crate) seed: u64,
    /// Arrivals per second; the peak rate of a launch.
    pub(crate) rate: f64,
    /// Duration of arrivals.
    pub(crate) length: Duration,
    /// Distribution of arrivals over that time.
    pub(crate) profile: Profile,
    /// Mean time between two steps of a shopper.
    pub(crate) think: f64,
    /// Mean number of pages viewed, besides the initial list.
    pub(crate) pages: f64,
    /// Share of shoppers who create a cart.
    pub(crate) carts: f64,
    /// Share of shoppers who order.
    pub(crate) orders: f64,
    /// Maximum lines of a cart: uniformly distributed from 1.
    pub(crate) lines: usize,
    /// Exponent of the products' popularity (Zipf's law).
    pub(crate) zipf: f64,
}

/// Distribution of arrivals over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Constant rate.
    Steady,
    /// A product launch: quiet, a spike, and a slow decline.
    Launch,
}

impl Profile {
    /// Arrival rate at a moment of the run, relative to the peak. Both are shares.
    pub(crate) fn at(self, moment: f64) -> f64 {
        const QUIET: f64 = 0.1;
        match self {
            Self::Steady => 1.0,
            Self::Launch => match moment {
                ..0.2 => QUIET,
                ..0.25 => QUIET + (1.0 - QUIET) * (moment - 0.2) / 0.05,
                ..0.4 => 1.0,
                _ => QUIET + (1.0 - QUIET) * (-(moment - 0.4) / 0.15).exp(),
            },
        }
    }

    /// Share of viewers and buyers who only want the first product, at a moment of the run.
    fn drop_share(self, moment: f64) -> f64 {
        match self {
            Self::Launch if moment >= 0.2 => 0.5,
            _ => 0.0,
        }
    }
}

/// Assortment of the shop.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shelves {
    pub(crate) products: usize,
    pub(crate) collections: usize,
    pub(crate) types: usize,
    pub(crate) tags: usize,
}

/// A list of products, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Facet {
    All,
    Collection(usize),
    Type(usize),
    Tag(usize),
}

/// One step of a shopper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Views a list from its start. `again` sends the `ETag` of the last response, as a browser does.
    List {
        facet: Facet,
        cheapest_first: bool,
        again: bool,
    },
    /// Views the next page of the list.
    NextPage,
    /// Views a product, chosen by popularity.
    Product { rank: usize, again: bool },
    /// Creates a cart.
    CreateCart,
    /// Sets a line. `choice` selects the product's variant.
    SetLine {
        rank: usize,
        choice: usize,
        quantity: u32,
    },
    /// Views the cart.
    GetCart,
    /// Orders the cart.
    PlaceOrder,
    /// Polls the order until it is paid.
    AwaitPayment,
}

/// A step with its time since the start of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) at: Duration,
    pub(crate) what: Action,
}

/// One shopper's visit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Visit {
    pub(crate) number: u64,
    pub(crate) steps: Vec<Step>,
}

/// All visits in order of arrival.
pub(crate) struct Plan {
    behaviour: Behaviour,
    shelves: Shelves,
    popularity: Popularity,
    between_arrivals: Exp<f64>,
    between_steps: Exp<f64>,
    random: Random,
    next: f64,
    number: u64,
}

impl Plan {
    pub(crate) fn new(behaviour: Behaviour, shelves: Shelves) -> Outcome<Self> {
        Ok(Self {
            popularity: Popularity::new(shelves.products, behaviour.zipf)?,
            between_arrivals: waits(behaviour.rate.recip())?,
            between_steps: waits(behaviour.think)?,
            random: stream(behaviour.seed, u64::MAX),
            next: 0.0,
            number: 0,
            shelves,
            behaviour,
        })
    }

    /// Time of the next arrival: a Poisson process, thinned where the profile is below its peak.
    fn arrival(&mut self) -> Option<f64> {
        let length = self.behaviour.length.as_secs_f64();
        loop {
            self.next += self.between_arrivals.sample(&mut self.random);
            if self.next >= length {
                return None;
            }
            let share = self.behaviour.profile.at(self.next / length);
            if self.random.random_bool(share) {
                return Some(self.next);
            }
        }
    }

    fn visit(&self, number: u64, arrival: f64) -> Visit {
        let behaviour = &self.behaviour;
        let length = behaviour.length.as_secs_f64();
        let mut random = stream(behaviour.seed, number);
        let drop_share = behaviour.profile.drop_share(arrival / length);
        let mut now = arrival;
        let mut steps = Vec::new();
        let mut then = |now: &mut f64, random: &mut Random, what: Action| {
            steps.push(Step {
                at: Duration::from_secs_f64(*now),
                what,
            });
            *now += self.between_steps.sample(random);
        };

        let wanted = |random: &mut Random| {
            if random.random_bool(drop_share) {
                0
            } else {
                self.popularity.sample(random)
            }
        };
        // Shoppers with a goal view that product first; the others a list.
        let mut listed = !random.random_bool(0.3);
        if listed {
            let what = self.list(&mut random);
            then(&mut now, &mut random, what);
        }
        let go_on = 1.0 - 1.0 / behaviour.pages.max(1.0);
        let mut last = None;
        loop {
            let what = match random.random_range(0..10) {
                0 | 1 if listed => Action::NextPage,
                2 | 3 if last.is_some() => self.list(&mut random),
                // Back to the previous page, which the browser has cached.
                4 if last.is_some() => Action::Product {
                    rank: last.unwrap_or_default(),
                    again: true,
                },
                _ => Action::Product {
                    rank: wanted(&mut random),
                    again: false,
                },
            };
            match what {
                Action::Product { rank, .. } => last = Some(rank),
                Action::List { .. } => listed = true,
                _ => {}
            }
            then(&mut now, &mut random, what);
            if !random.random_bool(go_on) {
                break;
            }
        }

        // One number decides both, so that every buyer is among those with a cart.
        let buys: f64 = random.random();
        if buys < behaviour.carts.max(behaviour.orders) {
            then(&mut now, &mut random, Action::CreateCart);
            let mut ranks = Vec::new();
            let lines = random.random_range(1..=behaviour.lines);
            // A different product for each line; a small shop may not have enough.
            for _ in 0..lines * 8 {
                let rank = match last.take() {
                    Some(rank) => rank,
                    None => wanted(&mut random),
                };
                if !ranks.contains(&rank) {
                    ranks.push(rank);
                }
                if ranks.len() == lines {
                    break;
                }
            }
            for rank in ranks {
                let what = Action::SetLine {
                    rank,
                    choice: random.random_range(0..usize::MAX),
                    quantity: if random.random_bool(0.8) { 1 } else { 2 },
                };
                then(&mut now, &mut random, what);
            }
            then(&mut now, &mut random, Action::GetCart);
            if buys < behaviour.orders {
                then(&mut now, &mut random, Action::PlaceOrder);
            }
        }
        // The run ends: later steps are dropped. Shoppers who have ordered wait for the payment.
        steps.retain(|step| step.at < behaviour.length);
        if let Some(placed) = steps.last()
            && placed.what == Action::PlaceOrder
        {
            steps.push(Step {
                at: placed.at + FIRST_POLL,
                what: Action::AwaitPayment,
            });
        }
        Visit { number, steps }
    }

    fn list(&self, random: &mut Random) -> Action {
        let shelves = &self.shelves;
        let facet = match random.random_range(0..10) {
            0..=3 if shelves.collections > 0 => {
                Facet::Collection(random.random_range(0..shelves.collections))
            }
            4 | 5 if shelves.types > 0 => Facet::Type(random.random_range(0..shelves.types)),
            6..=8 if shelves.tags > 0 => Facet::Tag(random.random_range(0..shelves.tags)),
            _ => Facet::All,
        };
        Action::List {
            facet,
            cheapest_first: random.random_bool(0.25),
            again: random.random_bool(0.2),
        }
    }
}

impl Iterator for Plan {
    type Item = Visit;

    fn next(&mut self) -> Option<Visit> {
        let arrival = self.arrival()?;
        let number = self.number;
        self.number += 1;
        Some(self.visit(number, arrival))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behaviour(seed: u64) -> Behaviour {
        Behaviour {
            seed,
            rate: 50.0,
            length: Duration::from_secs(200),
            profile: Profile::Steady,
            think: 1.0,
            pages: 4.0,
            carts: 0.3,
            orders: 0.1,
            lines: 3,
            zipf: 1.0,
        }
    }

    const SHELVES: Shelves = Shelves {
        products: 100,
        collections: 6,
        types: 8,
        tags: 12,
    };

    fn plan(behaviour: Behaviour) -> Vec<Visit> {
        Plan::new(behaviour, SHELVES).unwrap().collect()
    }

    fn share(visits: &[Visit], has: impl Fn(&Action) -> bool) -> f64 {
        let having = visits
            .iter()
            .filter(|visit| visit.steps.iter().any(|step| has(&step.what)));
        let count = |count: usize| f64::from(u32::try_from(count).unwrap());
        count(having.count()) / count(visits.len())
    }

    #[test]
    fn arrivals_have_the_right_mean_and_spread() {
        let visits = plan(behaviour(1));
        // 50 a second for 200 s: 10,000, with a standard deviation of 100.
        assert!(visits.len().abs_diff(10_000) < 400, "{}", visits.len());
        // In a Poisson process, the variance of counts per second equals their mean.
        let mut seconds = [0.0_f64; 200];
        for visit in &visits {
            seconds[usize::try_from(visit.steps[0].at.as_secs()).unwrap()] += 1.0;
        }
        let mean = seconds.iter().sum::<f64>() / 200.0;
        let variance = seconds
            .iter()
            .map(|count| (count - mean).powi(2))
            .sum::<f64>()
            / 200.0;
        assert!((0.7..1.4).contains(&(variance / mean)), "{variance} {mean}");
    }

    #[test]
    fn a_seed_repeats_the_plan_and_another_does_not() {
        assert_eq!(plan(behaviour(5)), plan(behaviour(5)));
        assert_ne!(plan(behaviour(5)), plan(behaviour(6)));
    }

    #[test]
    fn a_shopper_does_the_same_whoever_else_comes() {
        let other_rate = Behaviour {
            rate: 5.0,
            ..behaviour(5)
        };
        let deeds = |visits: &[Visit]| -> Vec<Action> {
            visits[3].steps.iter().map(|step| step.what).collect()
        };
        assert_eq!(deeds(&plan(behaviour(5))), deeds(&plan(other_rate)));
    }

    #[test]
    fn shoppers_do_what_was_asked_in_a_possible_order() {
        let visits = plan(behaviour(2));
        let carts = share(&visits, |what| *what == Action::CreateCart);
        let orders = share(&visits, |what| *what == Action::PlaceOrder);
        let paid = share(&visits, |what| *what == Action::AwaitPayment);
        assert!((carts - 0.3).abs() < 0.03, "{carts}");
        assert!((orders - 0.1).abs() < 0.02, "{orders}");
        assert!((orders - paid).abs() < f64::EPSILON);
        for visit in &visits {
            let steps = &visit.steps;
            assert!(steps.windows(2).all(|pair| pair[0].at <= pair[1].at));
            let find = |wanted: Action| steps.iter().position(|step| step.what == wanted);
            if let Some(line) = steps
                .iter()
                .position(|step| matches!(step.what, Action::SetLine { .. }))
            {
                assert!(find(Action::CreateCart).is_some_and(|cart| cart < line));
            }
            if let Some(next) = find(Action::NextPage) {
                let list = |step: &Step| matches!(step.what, Action::List { .. });
                assert!(steps[..next].iter().any(list));
            }
            let last = steps.last().unwrap();
            assert!(last.at < Duration::from_secs(200) + FIRST_POLL);
        }
    }

    #[test]
    fn nobody_orders_where_nobody_should() {
        let visits = plan(Behaviour {
            carts: 0.0,
            orders: 0.0,
            ..behaviour(2)
        });
        assert!(share(&visits, |what| *what == Action::CreateCart) < f64::EPSILON);
    }

    #[test]
    fn a_launch_is_quiet_then_full_then_quiet_again_and_about_one_product() {
        let visits = plan(Behaviour {
            profile: Profile::Launch,
            ..behaviour(3)
        });
        let arrivals = |from: u64, to: u64| {
            let within = visits
                .iter()
                .filter(|visit| (from..to).contains(&visit.steps[0].at.as_secs()));
            within.count()
        };
        // 5 a second, then 50, then about 5 again.
        assert!(arrivals(0, 40).abs_diff(200) < 60, "{}", arrivals(0, 40));
        assert!(
            arrivals(50, 80).abs_diff(1500) < 160,
            "{}",
            arrivals(50, 80)
        );
        assert!(arrivals(180, 200) < 250, "{}", arrivals(180, 200));
        let first = |visit: &&Visit| {
            visit
                .steps
                .iter()
                .any(|step| matches!(step.what, Action::Product { rank: 0, .. }))
        };
        let spike = visits
            .iter()
            .filter(|visit| (50..80).contains(&visit.steps[0].at.as_secs()));
        let (all, dropped) = (spike.clone().count(), spike.filter(first).count());
        assert!(dropped * 2 > all, "{dropped} of {all}");
    }
}
