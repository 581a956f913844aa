//! Progress of an import on stderr: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::context::Context;
use crate::lang::Lang;

/// Pause between two lines.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Progress.
#[derive(Debug)]
pub enum Progress {
    /// Says nothing.
    Silent,
    /// A bar.
    Bar(ProgressBar),
    /// Lines.
    Lines(Mutex<Lines>),
}

/// The state of progress in lines.
#[derive(Debug)]
pub struct Lines {
    done: usize,
    total: usize,
    begun: Instant,
    said: Instant,
    lang: Lang,
}

impl Progress {
    /// Begins counting `total` rows.
    pub fn begin(context: &Context, total: usize) -> Progress {
        if context.quiet || total == 0 {
            return Progress::Silent;
        }
        if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX));
            let style = context.word(
                "{bar:40} {human_pos}/{human_len} rows  {per_sec}  {eta} left",
                "{bar:40} {human_pos}/{human_len} 行  {per_sec}  剩余 {eta}",
            );
            let style = ProgressStyle::with_template(style);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            return Progress::Bar(bar);
        }
        let now = Instant::now();
        Progress::Lines(Mutex::new(Lines {
            done: 0,
            total,
            begun: now,
            said: now,
            lang: context.lang,
        }))
    }

    /// Counts rows that are done.
    pub fn done(&self, rows: usize) {
        match self {
            Progress::Silent => {}
            Progress::Bar(bar) => bar.inc(u64::try_from(rows).unwrap_or(u64::MAX)),
            Progress::Lines(lines) => {
                let mut lines = lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                lines.done = lines.done.saturating_add(rows);
                if lines.said.elapsed() >= LINE_INTERVAL {
                    lines.said = Instant::now();
                    lines.say();
                }
            }
        }
    }

    /// Ends.
    pub fn end(&self) {
        if let Progress::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

impl Lines {
    fn say(&self) {
        let Lines { done, total, .. } = self;
        let seconds = self.begun.elapsed().as_secs().max(1);
        let rate = u64::try_from(*done).unwrap_or(u64::MAX).checked_div(seconds).unwrap_or(0);
        let left = u64::try_from(total.saturating_sub(*done)).unwrap_or(0);
        let eta = left.checked_div(rate.max(1)).unwrap_or(0);
        match self.lang {
            Lang::En => eprintln!("{done}/{total} rows, {rate}/s, about {eta} s left"),
            Lang::Zh => eprintln!("{done}/{total} 行，每秒 {rate} 行，约剩 {eta} 秒"),
        }
    }
}
