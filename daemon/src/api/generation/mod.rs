//! Generations: look, compare; those that are kept for ever, and the way back to one.

pub(crate) mod pin;
pub(crate) mod rollback;

use axum::extract::State as FromState;
use packd_wire::{
    DiffQuery, ErrorKind, GenerationDetail, GenerationDiff, GenerationList, GenerationPack,
    GenerationView, GenerationsQuery, path,
};

use super::State;
use super::body::{self, Asked, NamedGeneration, Nothing};
use super::problem::Refusal;
use super::reply::{Answer, Shown};
use crate::store::{history, pack};

/// Lists generations, newest first, each with what it changed.
#[utoipa::path(
    get,
    path = path::GENERATIONS,
    params(GenerationsQuery),
    responses((status = 200, description = "A page of generations", body = GenerationList)),
)]
pub(crate) async fn list(
    FromState(state): FromState<State>,
    Asked(query): Asked<GenerationsQuery>,
) -> Answer<Shown<GenerationList>> {
    let limit = body::page(query.limit, 50)?;
    let generations = state
        .parts
        .database
        .read(move |connection| history::list(connection, query.before, limit))
        .await?;
    let full = u32::try_from(generations.len()).is_ok_and(|length| length == limit);
    let last = generations.last().map(|generation| generation.number);
    let next = last.filter(|number| full && *number > 1);
    Ok(Shown(GenerationList { generations, next }))
}

/// Shows one generation with its packs.
#[utoipa::path(
    get,
    path = path::GENERATION,
    params(("number" = i64, Path, description = "The generation's number")),
    responses((status = 200, description = "The generation", body = GenerationDetail)),
)]
pub(crate) async fn show(
    FromState(state): FromState<State>,
    NamedGeneration(number): NamedGeneration,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answer<Shown<GenerationDetail>> {
    let generation = one(&state, number).await?;
    let packs = state
        .parts
        .database
        .read(move |connection| pack::of_generation(connection, number))
        .await?;
    let packs = packs.into_values().map(|pack| GenerationPack {
        pack_ref: pack.pack_ref,
        version: pack.version,
        registry: pack.record.registry,
        tree: pack.record.tree,
    });
    Ok(Shown(GenerationDetail {
        generation,
        packs: packs.collect(),
    }))
}

/// Shows what is different from one generation to another.
#[utoipa::path(
    get,
    path = path::GENERATION_DIFF,
    params(("number" = i64, Path, description = "The generation that is compared"), DiffQuery),
    responses((status = 200, description = "What is different", body = GenerationDiff)),
)]
pub(crate) async fn diff(
    FromState(state): FromState<State>,
    NamedGeneration(number): NamedGeneration,
    Asked(query): Asked<DiffQuery>,
) -> Answer<Shown<GenerationDiff>> {
    one(&state, number).await?;
    let to = match query.to {
        Some(to) => one(&state, to).await?.number,
        None => state
            .parts
            .database
            .read(pack::active_generation)
            .await?
            .unwrap_or(number),
    };
    let changes = state
        .parts
        .database
        .read(move |connection| history::changes(connection, number, to))
        .await?;
    Ok(Shown(GenerationDiff {
        from: number,
        to,
        changes,
    }))
}

/// The generation, or that there is none.
async fn one(state: &State, number: i64) -> Answer<GenerationView> {
    state
        .parts
        .database
        .read(move |connection| history::get(connection, number))
        .await?
        .ok_or_else(|| unknown(format!("there is no generation {number}")))
}

fn unknown(detail: impl Into<String>) -> Refusal {
    Refusal::new(ErrorKind::GenerationNotFound, detail)
        .hint("`packctl generations` lists those that are kept")
}
