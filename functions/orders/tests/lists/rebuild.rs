//! The job that rebuilds the lists: its steps as their messages come, late, twice, or not at all.

use std::{collections::HashSet, time::Duration};

use domain::{
    id::{JobId, OrderId},
    jobs::{Chain, Job, JobKind, JobState},
    orders::Actor,
    trace::TraceParent,
};
use orders::rebuild::{Pass, do_step, start};
use serde_json::json;
use store::Consistency;

use crate::world::{TABLE, World, start_of_time};

/// A pass that ends after one page.
const ONE_PAGE: Pass = Pass {
    page: 400,
    time: Duration::ZERO,
};

/// A message about a step: what its event is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Message {
    run: u32,
    step: u32,
    pass: u32,
}

impl World {
    /// Orders that no list shows, and so many other items that the table has ten parts.
    async fn with_ten_parts() -> (Self, Vec<OrderId>) {
        let world = Self::start().await;
        let mut ids = Vec::new();
        for number in 0..12 {
            let placed = world.place(number, "ada@example.com", &["TEE"]).await;
            ids.push(world.pay(&placed).await.id);
        }
        let others = 9_500 - world.tables.items(TABLE).unwrap().len();
        let others = (0..others).map(|number| {
            // A third of them in one partition, which is never divided.
            let partition = if number % 3 == 0 { 0 } else { number };
            json!({
                "PK": { "S": format!("OTHER#{partition}") },
                "SK": { "S": format!("{number}") },
                "entity_type": { "S": "other" },
            })
        });
        world.tables.put(TABLE, others.collect()).unwrap();
        (world, ids)
    }

    async fn rebuild_job(&self) -> JobId {
        let id = JobId::random([7; 16]);
        let kind = JobKind::OrderListsRebuild;
        let (now, place) = (start_of_time(), TraceParent::begin("t"));
        let job = Job::queued(id, kind, Actor::Shop, now, "t", place);
        self.store.create_job(job, None).await.unwrap();
        start(&self.store, id, now).await.unwrap();
        id
    }

    async fn job(&self, id: JobId) -> Job {
        let job = self.store.job(id, Consistency::Strong).await;
        job.unwrap().unwrap()
    }

    /// Messages that the stream has raised so far, of those steps that are in the table now.
    fn messages(&self) -> Vec<Message> {
        let items = self.tables.items(TABLE).unwrap().into_iter();
        let due = items.filter(|item| item["entity_type"]["S"] == "job_step_due");
        let messages = due.map(|item| {
            let number = |name: &str| item[name]["N"].as_str().unwrap().parse().unwrap();
            Message {
                run: number("run"),
                step: number("step"),
                pass: number("pass"),
            }
        });
        let mut messages: Vec<Message> = messages.collect();
        messages.sort();
        messages
    }

    async fn deliver(&self, id: JobId, message: &Message) {
        let done = do_step(&self.store, id, message.step, ONE_PAGE, 1, start_of_time());
        done.await.unwrap();
    }

    /// Delivers the messages that were not delivered before, until there are none.
    async fn deliver_all(&self, id: JobId, delivered: &mut HashSet<Message>) {
        loop {
            let messages = self.messages().into_iter();
            let mut new = messages.filter(|message| !delivered.contains(message));
            let Some(message) = new.next() else { return };
            self.deliver(id, &message).await;
            delivered.insert(message);
        }
    }

    async fn change_job(&self, id: JobId, change: impl Fn(&Job) -> Job) {
        let before = self.job(id).await;
        let changed = change(&before);
        let written = self.store.change_job(&before, &changed, before.cause());
        assert!(written.await.unwrap());
    }
}

/// Kind of fault: a piece of work without a bound.
#[tokio::test]
async fn parts_are_done_in_passes_each_once_whatever_comes_twice() {
    let (world, ids) = World::with_ten_parts().await;
    let id = world.rebuild_job().await;
    let job = world.job(id).await;
    assert_eq!((job.total, job.chains_total), (Some(10), 8));
    assert_eq!(world.messages().len(), 8, "one step of each chain");
    let mut delivered = HashSet::new();
    for message in world.messages() {
        // Twice at the same time: the one that is first goes on with the step.
        tokio::join!(world.deliver(id, &message), world.deliver(id, &message));
        delivered.insert(message);
    }
    world.deliver_all(id, &mut delivered).await;
    let job = world.job(id).await;
    assert_eq!(job.state, JobState::Completed, "{job:?}");
    assert_eq!((job.done, job.failed, job.chains_done), (10, 0, 8));
    world.must_show(&ids).await;
    // A thousand items in a part, and more than three thousand in one: pages of 400.
    let passes = world.messages().iter().map(|it| it.pass).max().unwrap();
    assert!(passes >= 7, "{passes} passes of the largest part");
    for message in delivered {
        world.deliver(id, &message).await;
    }
    let again = world.job(id).await;
    assert_eq!((again.done, again.failed, again.chains_done), (10, 0, 8));
}

#[tokio::test]
async fn a_paused_rebuild_goes_on_with_what_is_left() {
    let (world, ids) = World::with_ten_parts().await;
    let id = world.rebuild_job().await;
    let mut delivered = HashSet::new();
    for message in world.messages().into_iter().take(3) {
        world.deliver(id, &message).await;
        delivered.insert(message);
    }
    let now = start_of_time();
    world
        .change_job(id, |job| job.paused(now).unwrap().unwrap())
        .await;
    let before = world.job(id).await;
    // Messages of the paused job are dropped, also those that follow from the last passes.
    world.deliver_all(id, &mut delivered).await;
    assert_eq!(world.job(id).await, before);
    world.change_job(id, |job| job.resumed(now).unwrap()).await;
    start(&world.store, id, now).await.unwrap();
    world.deliver_all(id, &mut delivered).await;
    let job = world.job(id).await;
    assert_eq!((job.state, job.done), (JobState::Completed, 10), "{job:?}");
    world.must_show(&ids).await;
}

/// Kind of fault: a process dies between two lines, and staff pause before its message comes again.
#[tokio::test]
async fn a_rebuild_whose_steps_are_all_done_ends() {
    for resumed in [false, true] {
        let world = World::start().await;
        let id = world.rebuild_job().await;
        let job = world.job(id).await;
        assert_eq!(job.total, Some(1));
        let now = start_of_time();
        let counted = world.store.finish_step(id, 1, 1, &[], Chain::Ends, now);
        counted.await.unwrap();
        world
            .change_job(id, |job| job.paused(now).unwrap().unwrap())
            .await;
        if resumed {
            world.change_job(id, |job| job.resumed(now).unwrap()).await;
            start(&world.store, id, now).await.unwrap();
        } else {
            let message = Message {
                run: 1,
                step: 1,
                pass: 0,
            };
            world.deliver(id, &message).await;
        }
        assert_eq!(world.job(id).await.state, JobState::Completed, "{resumed}");
    }
}
