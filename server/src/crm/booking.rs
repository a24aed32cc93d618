//! Appointments: free slots, and what is done with them.

use catalog::access::Action;
use tenant_schema::crm::booking::{self, NewAppointment, Outcome, Reschedule};
use tenant_schema::crm::{Parameters, slots};

use super::Asked;
use crate::access::{Needs, Opened, Use, VerbAccess, VerbUse};
use crate::error::ApiError;
use crate::records::Answered;

/// What every verb about appointments needs of the tenant.
const NEEDS: &[Needs] = &[
    (
        "appointments",
        &[
            "busy",
            "hold_expires_at",
            "time_zone",
            "source",
            "rescheduled_count",
            "deleted_at",
        ],
    ),
    (
        "services",
        &[
            "duration_minutes",
            "slot_step_minutes",
            "buffer_before_minutes",
            "min_notice_minutes",
            "max_advance_days",
        ],
    ),
    ("staff", &["active", "deleted_at"]),
    ("staff_services", &["staff_id", "service_id"]),
    (
        "schedules",
        &["time_zone", "valid_from", "valid_until", "deleted_at"],
    ),
    ("schedule_rules", &["weekday", "start_local", "end_local"]),
    ("schedule_overrides", &["day", "start_local", "end_local"]),
    ("time_off", &["staff_id", "starts_at", "ends_at"]),
    ("contacts", &["deleted_at"]),
];

/// Looks for free slots: they tell when somebody works, and when not.
pub(crate) struct FindSlots;

impl VerbUse for FindSlots {
    const USES: &'static [Use] = &[
        ("appointments", Action::Read),
        ("schedules", Action::Read),
        ("services", Action::Read),
        ("staff", Action::Read),
    ];
    const NEEDS: &'static [Needs] = NEEDS;
}

/// Makes an appointment, and answers with it or with the nearest free slots. Expired holds that it cancels on its way take no right of
/// their own: they are over, and only still written down.
pub(crate) struct MakeAppointment;

impl VerbUse for MakeAppointment {
    const USES: &'static [Use] = &[
        ("appointments", Action::Insert),
        ("appointments", Action::Read),
        ("schedules", Action::Read),
        ("services", Action::Read),
        ("staff", Action::Read),
    ];
    const NEEDS: &'static [Needs] = NEEDS;
}

/// Gives an appointment another slot, and answers with it or with the nearest free slots.
pub(crate) struct MoveAppointment;

impl VerbUse for MoveAppointment {
    const USES: &'static [Use] = &[
        ("appointments", Action::Update),
        ("appointments", Action::Read),
        ("schedules", Action::Read),
        ("services", Action::Read),
        ("staff", Action::Read),
    ];
    const NEEDS: &'static [Needs] = NEEDS;
}

/// Changes an appointment, and answers with it.
pub(crate) struct ChangeAppointment;

impl VerbUse for ChangeAppointment {
    const USES: &'static [Use] = &[("appointments", Action::Update), ("appointments", Action::Read)];
    const NEEDS: &'static [Needs] = NEEDS;
}

/// `GET /crm/v1/slots`
pub(crate) async fn slots(access: VerbAccess<FindSlots>, asked: Asked) -> Answered {
    asked.conditions.refuse()?;
    let verb = slots::find(
        &access.opened.model,
        &asked.query,
        asked.preferred_zone(&access.opened),
        asked.now(),
    )?;
    asked.run(&access.opened, &verb).await
}

/// `POST /crm/v1/appointments/hold`
pub(crate) async fn hold(access: VerbAccess<MakeAppointment>, asked: Asked) -> Answered {
    let new = NewAppointment::hold(&access.opened.model, &asked.body, asked.new_id(), asked.now())?;
    make(&access, &asked, &new).await
}

/// `POST /crm/v1/appointments/book`
pub(crate) async fn book(access: VerbAccess<MakeAppointment>, asked: Asked) -> Answered {
    let new = NewAppointment::book(&access.opened.model, &asked.body, asked.new_id())?;
    make(&access, &asked, &new).await
}

async fn make(access: &VerbAccess<MakeAppointment>, asked: &Asked, new: &NewAppointment) -> Answered {
    Parameters::none(&asked.query)?;
    asked.conditions.refuse()?;
    check_force(&access.opened, new.is_forced())?;
    asked.run(&access.opened, &new.make(asked.now())).await
}

/// `POST /crm/v1/appointments/{id}/book`
pub(crate) async fn book_held(access: VerbAccess<ChangeAppointment>, asked: Asked) -> Answered {
    Parameters::none(&asked.query)?;
    let verb = booking::book_held(access.id()?, &asked.conditions, &asked.body, asked.now())?;
    asked.run(&access.opened, &verb).await
}

/// `POST /crm/v1/appointments/{id}/reschedule`
pub(crate) async fn reschedule(access: VerbAccess<MoveAppointment>, asked: Asked) -> Answered {
    Parameters::none(&asked.query)?;
    let to = Reschedule::read(access.id()?, &asked.conditions, &asked.body)?;
    check_force(&access.opened, to.is_forced())?;
    let verb = to.make(asked.now());
    match asked.run(&access.opened, &verb).await {
        // Somebody took the slot between the look and the write. The second look sees it.
        Err(overlaps) if overlaps.code() == "23P01" => asked.run(&access.opened, &verb).await,
        answered => answered,
    }
}

/// `POST /crm/v1/appointments/{id}/confirm`
pub(crate) async fn confirm(access: VerbAccess<ChangeAppointment>, asked: Asked) -> Answered {
    end(&access, &asked, Outcome::Confirm).await
}

/// `POST /crm/v1/appointments/{id}/complete`
pub(crate) async fn complete(access: VerbAccess<ChangeAppointment>, asked: Asked) -> Answered {
    end(&access, &asked, Outcome::Complete).await
}

/// `POST /crm/v1/appointments/{id}/no-show`
pub(crate) async fn no_show(access: VerbAccess<ChangeAppointment>, asked: Asked) -> Answered {
    end(&access, &asked, Outcome::NoShow).await
}

/// `POST /crm/v1/appointments/{id}/cancel`
pub(crate) async fn cancel(access: VerbAccess<ChangeAppointment>, asked: Asked) -> Answered {
    end(&access, &asked, Outcome::Cancel).await
}

async fn end(access: &VerbAccess<ChangeAppointment>, asked: &Asked, outcome: Outcome) -> Answered {
    Parameters::none(&asked.query)?;
    let verb = booking::end(outcome, access.id()?, &asked.conditions, &asked.body, asked.now())?;
    asked.run(&access.opened, &verb).await
}

/// Whoever may change the working hours may book outside them.
fn check_force(opened: &Opened, is_forced: bool) -> Result<(), ApiError> {
    let schedules = opened.model.object("schedules")?;
    if is_forced
        && !opened
            .caller
            .may(&schedules.name, schedules.write, Action::Update)
    {
        let message = "permission denied: 'force' is for those who may update schedules";
        return Err(ApiError::forbidden("42501", message));
    }
    Ok(())
}
