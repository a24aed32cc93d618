//! Words that are searched for: whether a record has them, and how well it fits.
//!
//! Each word is found as the beginning of one in a search vector, or as one much like it (`%>`, `pg_trgm`'s word
//! similarity) in a column with a trigram index. Both are what the indexes answer, so that the planner makes a bitmap of
//! each and joins them. Accents are taken off a word where the index has taken them off.
//!
//! `plainto_tsquery` reads any text (PostgreSQL documentation, 12.3.2); a query's own text is quoted, so `:*` behind it
//! makes a prefix of its last word, whatever was typed.

use super::writer::Writer;
use crate::records::error::RecordError;
use crate::records::model::{TextSearch, Trigram, Vector};
use crate::records::plan::Words;

/// What errors about these values name.
const PLACE: &str = "q";

/// Shorter words are much like too many others, and are found as beginnings anyway.
const SHORTEST_LIKENESS: usize = 3;

/// Every word is found in the record called `alias`.
pub(super) fn found(sql: &mut Writer, alias: &str, words: &Words<'_>) -> Result<(), RecordError> {
    if words.each.is_empty() {
        sql.push("false");
        return Ok(());
    }
    sql.joined(&words.each, " and ", |sql, word| {
        sql.push("(");
        one(sql, alias, words.within, word)?;
        sql.push(")");
        Ok(())
    })
}

fn one(sql: &mut Writer, alias: &str, within: &TextSearch, word: &str) -> Result<(), RecordError> {
    let mut lead = "";
    for vector in &within.vectors {
        sql.push(std::mem::replace(&mut lead, " or "));
        sql.column_named(alias, &vector.column)?;
        sql.push(" @@ ");
        beginning(sql, vector, word)?;
        if vector.configuration != SIMPLE {
            // The configuration passes over such a word: it is in every text.
            sql.push(" or ");
            beginning(sql, vector, word)?;
            sql.push(" is null");
        }
    }
    if !within.vectors.is_empty() && word.chars().count() < SHORTEST_LIKENESS {
        return Ok(());
    }
    for trigram in &within.trigrams {
        sql.push(std::mem::replace(&mut lead, " or "));
        likened(sql, alias, trigram)?;
        sql.push(" %> ");
        text(sql, trigram.unaccented, word)?;
    }
    Ok(())
}

/// The configuration that passes over no word.
const SIMPLE: &str = "simple";

/// How well the record called `alias` fits: best if it has words that begin like all of these, by how often and where it
/// has them and these words themselves (`ts_rank`), and else by how much like these it is. Likeness costs most, so it is
/// not asked where words are found.
pub(super) fn relevance(sql: &mut Writer, alias: &str, words: &Words<'_>) -> Result<(), RecordError> {
    sql.push("coalesce(");
    for vector in words.within.vectors.iter().filter(|_| !words.each.is_empty()) {
        sql.push("case when ");
        sql.column_named(alias, &vector.column)?;
        sql.push(" @@ (");
        beginnings(sql, vector, words)?;
        sql.push(") then 1 + ts_rank(");
        sql.column_named(alias, &vector.column)?;
        sql.push(", ");
        beginnings(sql, vector, words)?;
        sql.push(") + ts_rank(");
        sql.column_named(alias, &vector.column)?;
        sql.push(", ");
        query(sql, vector, &words.text)?;
        sql.push(") end, ");
    }
    if !words.within.trigrams.is_empty() {
        sql.push("greatest(");
        sql.list(&words.within.trigrams, |sql, trigram| {
            sql.push("word_similarity(");
            text(sql, trigram.unaccented, &words.text)?;
            sql.push(", ");
            likened(sql, alias, trigram)?;
            sql.push(")");
            Ok(())
        })?;
        sql.push("), ");
    }
    sql.push("0)");
    Ok(())
}

/// A query for beginnings of all words, those passed over which the configuration passes over.
fn beginnings(sql: &mut Writer, vector: &Vector, words: &Words<'_>) -> Result<(), RecordError> {
    sql.joined(&words.each, " && ", |sql, word| {
        sql.push("coalesce(");
        beginning(sql, vector, word)?;
        sql.push(", '')");
        Ok(())
    })
}

/// A query for all words that begin like the last of these; NULL where the configuration finds no word in them.
fn beginning(sql: &mut Writer, vector: &Vector, word: &str) -> Result<(), RecordError> {
    sql.push("(nullif(");
    query(sql, vector, word)?;
    sql.push("::text, '') || ':*')::tsquery");
    Ok(())
}

/// A query for words, read as the vector was made.
fn query(sql: &mut Writer, vector: &Vector, words: &str) -> Result<(), RecordError> {
    sql.push("plainto_tsquery(");
    sql.bind(PLACE, vector.configuration.clone())?;
    sql.push("::regconfig, ");
    text(sql, vector.unaccented, words)?;
    sql.push(")");
    Ok(())
}

/// A text as it is, or without accents.
fn text(sql: &mut Writer, unaccented: bool, words: &str) -> Result<(), RecordError> {
    sql.push(if unaccented { "immutable_unaccent(" } else { "" });
    sql.bind(PLACE, words.to_owned())?;
    sql.push(if unaccented { ")" } else { "" });
    Ok(())
}

/// A column as its trigram index has it.
fn likened(sql: &mut Writer, alias: &str, trigram: &Trigram) -> Result<(), RecordError> {
    sql.push(if trigram.unaccented {
        "immutable_unaccent("
    } else {
        ""
    });
    sql.column_named(alias, &trigram.column)?;
    sql.push(if trigram.unaccented { ")" } else { "" });
    Ok(())
}
