//! What is said once.

use leptos::prelude::*;
use sotto_engine::{Linking, Notice, Standing};

use crate::{
    components::{Glyph, Icon},
    i18n::*,
    logic::person,
    state::{ContactStoreFields, NoticeKind, State, use_state},
    texts::{self, Texts},
};

/// The foot of the page, where notices come and go.
#[component]
pub fn NoticeBoard() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    view! {
        <div class="notices" role="status" aria-live="polite">
            <For each=move || state.notices.all() key=|(id, _)| *id let((id, kind))>
                <div class="notice" data-testid="notice" data-kind=tag(&kind)>
                    <p>{words(i18n, state, &kind)}</p>
                    <button
                        type="button"
                        class="icon-button"
                        data-testid="notice-close"
                        aria-label=tu_string!(i18n, notice.dismiss)
                        on:click=move |_| state.notices.dismiss(id)
                    >
                        <Icon glyph=Glyph::Close />
                    </button>
                </div>
            </For>
        </div>
    }
}

fn words(i18n: Texts, state: State, kind: &NoticeKind) -> String {
    let of = |contact| texts::contact_now(i18n, state, contact);
    match kind {
        NoticeKind::RequestCopied => t_string!(i18n, refusal.ask_copied).to_string(),
        NoticeKind::ReportCopied => t_string!(i18n, halt.report_copied).to_string(),
        NoticeKind::FilesNeedLink => match state.linking.get_untracked() {
            Linking::NoRelay => t_string!(i18n, file.no_relay).to_string(),
            Linking::Blocked | Linking::Possible => t_string!(i18n, file.blocked).to_string(),
        },
        NoticeKind::CopyFailed => t_string!(i18n, notice.copy_failed).to_string(),
        NoticeKind::SaveFailed => t_string!(i18n, file.save_failed).to_string(),
        NoticeKind::PersistDenied => t_string!(i18n, suggestion.persist_no).to_string(),
        NoticeKind::FolderLeftOut => t_string!(i18n, file.folder_left_out).to_string(),
        NoticeKind::NoRoomFor(lacking) => {
            t_string!(i18n, file.no_room_here, size = texts::size(i18n, *lacking)).to_string()
        }
        NoticeKind::NoFilesNow(contact) => {
            let standing = state.contacts.get(*contact).map(|known| known.standing().get_untracked());
            match standing {
                Some(Standing::AwaitingOurs) => t_string!(i18n, chat.files_wait_ours).to_string(),
                Some(Standing::AwaitingTheirs) => {
                    t_string!(i18n, chat.files_wait, name = of(*contact)).to_string()
                }
                _ => t_string!(i18n, chat.locked_ended).to_string(),
            }
        }
        NoticeKind::AlreadyContact(name) => {
            let name = person::isolate(&texts::name(i18n, name.clone()));
            t_string!(i18n, card.already, name = name).to_string()
        }
        NoticeKind::Engine(notice) => match *notice {
            Notice::TextTooLong { .. } => t_string!(i18n, notice.text_too_long).to_string(),
            Notice::NameTooLong { .. } => t_string!(i18n, notice.name_too_long).to_string(),
            Notice::FileTooLarge => t_string!(i18n, notice.file_too_large).to_string(),
            Notice::TooManyInvites { limit } => {
                t_string!(i18n, notice.too_many_invites, limit = limit).to_string()
            }
            Notice::TooManyContacts { limit } => {
                t_string!(i18n, notice.too_many_contacts, limit = limit).to_string()
            }
            Notice::TooManyWaiting(contact) => {
                t_string!(i18n, notice.too_many_waiting, name = of(contact)).to_string()
            }
            Notice::InviteUsedTwice => t_string!(i18n, notice.invite_used_twice).to_string(),
            Notice::MailboxFull(contact) => {
                t_string!(i18n, notice.mailbox_full, name = of(contact)).to_string()
            }
            Notice::Undecryptable(contact) => {
                t_string!(i18n, notice.undecryptable, name = of(contact)).to_string()
            }
            Notice::TooManyFiles(contact) => {
                t_string!(i18n, notice.too_many_files, name = of(contact)).to_string()
            }
            Notice::Flooding(contact) => t_string!(i18n, notice.flooding, name = of(contact)).to_string(),
            Notice::FileGone(_) => t_string!(i18n, notice.file_gone).to_string(),
            Notice::HistoryUnreadable(contact) => {
                t_string!(i18n, notice.history_unreadable, name = of(contact)).to_string()
            }
        },
    }
}

fn tag(kind: &NoticeKind) -> &'static str {
    match kind {
        NoticeKind::RequestCopied => "request-copied",
        NoticeKind::ReportCopied => "report-copied",
        NoticeKind::FilesNeedLink => "files-need-link",
        NoticeKind::CopyFailed => "copy-failed",
        NoticeKind::SaveFailed => "save-failed",
        NoticeKind::PersistDenied => "persist-denied",
        NoticeKind::FolderLeftOut => "folder-left-out",
        NoticeKind::NoRoomFor(_) => "no-room-for",
        NoticeKind::NoFilesNow(_) => "no-files-now",
        NoticeKind::AlreadyContact(_) => "already-contact",
        NoticeKind::Engine(notice) => match notice {
            Notice::TextTooLong { .. } => "text-too-long",
            Notice::NameTooLong { .. } => "name-too-long",
            Notice::FileTooLarge => "file-too-large",
            Notice::TooManyInvites { .. } => "too-many-invites",
            Notice::TooManyContacts { .. } => "too-many-contacts",
            Notice::TooManyWaiting(_) => "too-many-waiting",
            Notice::InviteUsedTwice => "invite-used-twice",
            Notice::MailboxFull(_) => "mailbox-full",
            Notice::Undecryptable(_) => "undecryptable",
            Notice::TooManyFiles(_) => "too-many-files",
            Notice::Flooding(_) => "flooding",
            Notice::FileGone(_) => "file-gone",
            Notice::HistoryUnreadable(_) => "history-unreadable",
        },
    }
}
