//! Whatever is done to a slot table in whatever order, each passphrase opens what a list of two would say.

use crate::common::rng;
use proptest::prelude::*;
use sotto_crypto::passphrase::{Cost, Stretch, StretchedKey};
use sotto_crypto::vault::{OpenTable, Role, SlotError, SlotTable, VaultKey};

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Whoever has opened the table sets their passphrase.
    SetPassphrase(u8),
    SetDuress(u8),
    RemoveDuress,
    RemovePassphrases,
    /// The table is stored, read back and opened with a passphrase, if it opens.
    Open(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let passphrase = || 0..4_u8;
    prop_oneof![
        3 => passphrase().prop_map(Step::SetPassphrase),
        3 => passphrase().prop_map(Step::SetDuress),
        1 => Just(Step::RemoveDuress),
        1 => Just(Step::RemovePassphrases),
        4 => passphrase().prop_map(Step::Open),
    ]
}

/// The simple model: who has which passphrase, and who is at it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Model {
    main: Option<u8>,
    decoy: Option<u8>,
    role: Role,
}

impl Model {
    fn opens(&self, passphrase: u8) -> Option<Role> {
        let main = (self.main == Some(passphrase)).then_some(Role::Main);
        main.or((self.decoy == Some(passphrase)).then_some(Role::Decoy))
    }

    fn step(&mut self, step: Step) -> Result<(), SlotError> {
        let main = self.role == Role::Main;
        match step {
            Step::SetPassphrase(passphrase) if main => {
                if self.decoy == Some(passphrase) {
                    return Err(SlotError::Taken);
                }
                self.main = Some(passphrase);
            }
            Step::SetPassphrase(passphrase) => {
                if self.main == Some(passphrase) {
                    return Err(SlotError::Taken);
                }
                self.decoy = Some(passphrase);
            }
            Step::Open(passphrase) => self.role = self.opens(passphrase).ok_or(SlotError::NoSlot)?,
            _ if !main => return Err(SlotError::NotMain),
            Step::SetDuress(_) if self.main.is_none() => return Err(SlotError::NoPassphrase),
            Step::SetDuress(passphrase) if self.main == Some(passphrase) => return Err(SlotError::Taken),
            Step::SetDuress(passphrase) => self.decoy = Some(passphrase),
            Step::RemoveDuress => self.decoy = None,
            Step::RemovePassphrases => (self.main, self.decoy) = (None, None),
        }
        Ok(())
    }
}

fn vault(role: Role) -> VaultKey {
    VaultKey::from_bytes(&[if role == Role::Main { 1 } else { 2 }; 32])
}

fn key(stretch: &Stretch, passphrase: u8) -> StretchedKey {
    StretchedKey::from_bytes(*stretch, &[passphrase; 32])
}

fn stored(open: &OpenTable) -> SlotTable {
    SlotTable::from_bytes(&open.table().to_bytes()).unwrap()
}

proptest! {
    #[test]
    fn a_table_does_what_a_list_of_two_would(seed: u64, steps in prop::collection::vec(step(), 0..40)) {
        let rng = &mut rng(seed);
        let mut open = OpenTable::new(vault(Role::Main), rng);
        let mut model = Model { main: None, decoy: None, role: Role::Main };
        for step in steps {
            let before = (open.table().to_bytes(), model);
            let fresh = Stretch::generate(Cost::DEFAULT, rng);
            let stretch = open.table().stretch().copied().unwrap_or(fresh);
            let done = match step {
                Step::SetPassphrase(passphrase) => open.set_passphrase(&key(&stretch, passphrase), rng),
                Step::SetDuress(passphrase) => {
                    open.set_duress(&key(&stretch, passphrase), &vault(Role::Decoy), rng)
                }
                Step::RemoveDuress => open.remove_duress(rng),
                Step::RemovePassphrases => open.remove_passphrases(rng),
                Step::Open(passphrase) => {
                    let again = stored(&open).open(&key(&stretch, passphrase));
                    // There is nothing to open it with while there is no passphrase.
                    let again = again.map_err(|error| match error {
                        SlotError::OtherStretch if model.main.is_none() => SlotError::NoSlot,
                        other => other,
                    });
                    again.map(|again| open = again)
                }
            };
            prop_assert_eq!(done, model.step(step));
            if done.is_err() {
                prop_assert_eq!((open.table().to_bytes(), model), before);
            }
            prop_assert_eq!(open.role(), model.role);
            let table = stored(&open);
            match table.stretch().copied() {
                None => {
                    prop_assert_eq!(model.main, None);
                    let open = table.open_without_passphrase().unwrap();
                    prop_assert_eq!(*open.vault().to_bytes(), *vault(Role::Main).to_bytes());
                }
                Some(stretch) => for passphrase in 0..4 {
                    let opened = table.open(&key(&stretch, passphrase)).ok();
                    prop_assert_eq!(opened.as_ref().map(OpenTable::role), model.opens(passphrase));
                    if let Some(open) = opened {
                        prop_assert_eq!(*open.vault().to_bytes(), *vault(open.role()).to_bytes());
                    }
                }
            }
        }
    }
}
